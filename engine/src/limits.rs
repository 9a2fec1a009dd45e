//! How much a venue may hold. Reaching a limit is a numbered reject, never a growth.

/// The bounds of one engine. Memory for all of them is reserved at start and touched only when used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Orders that may rest at one time, over all instruments. At most 2^26.
    pub live_orders: u32,
    /// Blocks of 64 neighbouring prices (and nodes of the trees over them) in use at one time. At most 2^25.
    pub level_blocks: u32,
    /// Instruments ever listed. At most 65,535.
    pub instruments: u32,
    /// Accounts ever opened.
    pub accounts: u32,
    /// Sessions ever made.
    pub sessions: u32,
    /// Currencies ever added.
    pub currencies: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            live_orders: 1 << 20,
            level_blocks: 1 << 16,
            instruments: 1 << 10,
            accounts: 1 << 14,
            sessions: 1 << 12,
            currencies: 256,
        }
    }
}
