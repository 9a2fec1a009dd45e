//! Writes by a thread of plain `pwrite` and `fdatasync`: for systems without io_uring.

use super::{Completion, PAGE_SIZE, Write};
use crate::error::{Action, JournalError};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// A write and the file that it goes to.
struct Order {
    write: Write,
    file: Arc<File>,
    path: Arc<PathBuf>,
}

/// The two queues of the thread. Both hold all writes that may be in flight, so neither side waits.
///
/// The thread ends when the queues are dropped, after the writes that it has. Nobody waits for it: a dead
/// disk must not hang the exit, and the locks of the segments tell the next start when it is over.
pub(super) struct Blocking {
    orders: Sender<Order>,
    done: Receiver<Completion>,
}

impl Blocking {
    pub(super) fn new(writes_in_flight: usize) -> io::Result<Self> {
        let (orders, taken) = bounded(writes_in_flight);
        let (finished, done) = bounded(writes_in_flight);
        std::thread::Builder::new()
            .name("journal-disk".to_owned())
            .spawn(move || run(&taken, &finished, writes_in_flight))?;
        Ok(Self { orders, done })
    }

    pub(super) fn submit(
        &mut self,
        write: Write,
        file: &Arc<File>,
        path: &Arc<PathBuf>,
    ) -> Result<(), JournalError> {
        let order = Order { write, file: Arc::clone(file), path: Arc::clone(path) };
        let sent = self.orders.try_send(order).is_ok();
        if sent { Ok(()) } else { Err(JournalError::Ended) }
    }

    pub(super) fn reap(&mut self) -> Result<Option<Completion>, JournalError> {
        match self.done.try_recv() {
            Ok(completion) => Ok(Some(completion)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(JournalError::Ended),
        }
    }
}

/// Takes all writes that are ready, and makes them durable with one sync a file: one disk cache flush for
/// many writes.
fn run(orders: &Receiver<Order>, finished: &Sender<Completion>, writes_in_flight: usize) {
    let mut batch: Vec<(Order, Result<(), JournalError>)> = Vec::with_capacity(writes_in_flight);
    while let Ok(first) = orders.recv() {
        let ready = std::iter::once(first).chain(orders.try_iter()).take(writes_in_flight);
        batch.extend(ready.map(|order| {
            let result = write(&order);
            (order, result)
        }));
        sync(&mut batch);
        for (order, result) in batch.drain(..) {
            let completion = Completion { number: order.write.number, buffer: order.write.buffer, result };
            if finished.send(completion).is_err() {
                return;
            }
        }
    }
}

fn write(order: &Order) -> Result<(), JournalError> {
    let Write { page, pages, ref buffer, .. } = order.write;
    let bytes: &[u8] = bytemuck::cast_slice(&buffer[..pages]);
    let offset = u64::from(page) * PAGE_SIZE as u64;
    match order.file.write_at(bytes, offset) {
        Ok(written) if written == bytes.len() => Ok(()),
        Ok(written) => Err(JournalError::ShortWrite {
            file: order.path.to_path_buf(),
            offset,
            expected: bytes.len() as u64,
            written: written as u64,
        }),
        Err(source) => {
            Err(JournalError::Io { action: Action::Write, file: order.path.to_path_buf(), source })
        }
    }
}

/// Syncs each file of the batch once, in order of first use; a failure falls on all its writes that had none
/// of their own, for none of them is known to be durable.
fn sync(batch: &mut [(Order, Result<(), JournalError>)]) {
    for begin in 0..batch.len() {
        let generation = batch[begin].0.write.generation;
        if batch[..begin].iter().any(|(earlier, _)| earlier.write.generation == generation) {
            continue;
        }
        let Err(source) = batch[begin].0.file.sync_data() else { continue };
        let same = |order: &Order| order.write.generation == generation;
        for (order, result) in batch.iter_mut().filter(|(order, result)| same(order) && result.is_ok()) {
            *result = Err(JournalError::Io {
                action: Action::Sync,
                file: order.path.to_path_buf(),
                source: io::Error::new(source.kind(), source.to_string()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Page;

    fn outcome(file: File, page: u32) -> Result<(), JournalError> {
        let mut blocking = Blocking::new(1).unwrap();
        let write = Write { number: 0, generation: 1, page, pages: 1, buffer: vec![Page::ZERO] };
        blocking.submit(write, &Arc::new(file), &Arc::default()).unwrap();
        loop {
            match blocking.reap().unwrap() {
                Some(completion) => return completion.result,
                None => std::thread::yield_now(),
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn refusals_reach_the_completion() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let error = outcome(full, 0).unwrap_err();
        assert!(error.to_string().contains("disk is full"), "{error}");
        let read_only = File::open("/dev/zero").unwrap();
        assert!(matches!(outcome(read_only, 0), Err(JournalError::Io { action: Action::Write, .. })));
    }

    #[test]
    fn a_write_is_there_when_it_completes() {
        let file = tempfile::tempfile().unwrap();
        outcome(file.try_clone().unwrap(), 3).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 4 * PAGE_SIZE as u64);
    }
}
