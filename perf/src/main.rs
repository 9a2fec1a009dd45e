//! temporary
use perf::workload::{Flow, Workload};
fn main() {
    let count: u32 = std::env::args().nth(1).and_then(|v| v.parse().ok()).unwrap_or(5_000_000);
    for flow in [Flow::A, Flow::B] {
        let begun = std::time::Instant::now();
        let w = Workload::draw(flow, 1, count);
        println!("{} drawn in {:?}", flow.name, begun.elapsed());
        let r = w.commands.iter().filter(|c| c.price > 0).map(|c| c.price);
        println!("prices {:?} {:?}", r.clone().min(), r.max());
        for _ in 0..5 {
            println!("{:.1}", perf::matcher::floor_ns(&w));
        }
        println!("{:?}", perf::matcher::floor_latency(&w));
    }
}
