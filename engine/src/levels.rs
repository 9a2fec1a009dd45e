//! The price levels of one side: a tree of 64-way nodes over the price, its leaves 64 neighbouring levels.
//!
//! Levels of one leaf lie side by side, so that trading near the touch stays in a few cache lines, and
//! finding the next level is a bit scan. Nothing depends on how many levels or orders there are.
//! All sides of all instruments take their blocks from one bounded [`BlockPool`].
//!
//! Inside, a price is a *key*, turned so that on either side the best level has the lowest key.

use crate::memory::{fetch, reserve};
use crate::number::Price;
use crate::terms::Side;

/// No order, no block, no level.
pub(crate) const NONE: u32 = u32::MAX;

/// Levels in a leaf and children of a node.
const FAN: usize = 64;
const FAN_BITS: u32 = 6;
/// Leaves of a side that are found without the tree: neighbours, so that trading near the touch stays in them.
const RECENT: usize = 4;
/// Nodes on the way from the root to a leaf, at most: 64 bits less a leaf's six.
pub(crate) const DEPTH_MAX: usize = 10;

/// Orders at one price: displayed ones by time, then hidden ones by time.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Level {
    /// Lots displayed.
    pub(crate) quantity: u64,
    /// Orders displayed.
    pub(crate) count: u32,
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) hidden_head: u32,
    pub(crate) hidden_tail: u32,
    pub(crate) hidden_count: u32,
}

impl Level {
    const EMPTY: Self = Self {
        quantity: 0,
        count: 0,
        head: NONE,
        tail: NONE,
        hidden_head: NONE,
        hidden_tail: NONE,
        hidden_count: 0,
    };

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0 && self.hidden_count == 0
    }

    /// The order that trades first; `NONE` in an empty level.
    #[inline(always)]
    pub(crate) const fn first(&self) -> u32 {
        if self.head == NONE { self.hidden_head } else { self.head }
    }
}

/// Where a level lies: leaf and place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LevelRef(pub(crate) u32);

impl LevelRef {
    pub(crate) const NONE: Self = Self(NONE);

    #[inline(always)]
    const fn new(leaf: u32, slot: u32) -> Self {
        Self((leaf << FAN_BITS) | slot)
    }
}

#[derive(Clone)]
#[repr(C, align(64))]
struct Leaf {
    levels: [Level; FAN],
    /// Which levels hold orders; the others' records are stale.
    bitmap: u64,
    /// The key of the first level, over 64. In a free leaf: the next free one.
    prefix: u64,
}

#[derive(Clone)]
struct Node {
    /// Which children exist; the other entries are stale.
    bitmap: u64,
    children: [u32; FAN],
}

/// The blocks of all sides. Reserved at start, touched when first used.
pub(crate) struct BlockPool {
    leaves: Vec<Leaf>,
    nodes: Vec<Node>,
    free_leaf: u32,
    free_node: u32,
    used: u32,
    limit: u32,
}

impl BlockPool {
    pub(crate) fn new(limit: u32) -> Self {
        let limit = limit.min(1 << 25);
        Self {
            leaves: reserve(limit as usize),
            nodes: Vec::with_capacity(limit as usize),
            free_leaf: NONE,
            free_node: NONE,
            used: 0,
            limit,
        }
    }

    #[inline(always)]
    pub(crate) fn level(&self, at: LevelRef) -> &Level {
        &self.leaves[(at.0 >> FAN_BITS) as usize].levels[at.0 as usize % FAN]
    }

    #[inline(always)]
    pub(crate) fn level_mut(&mut self, at: LevelRef) -> &mut Level {
        &mut self.leaves[(at.0 >> FAN_BITS) as usize].levels[at.0 as usize % FAN]
    }

    /// Asks for the line that says which levels of a leaf hold orders.
    #[inline(always)]
    pub(crate) fn fetch_bitmap(&self, leaf: u32) {
        if let Some(leaf) = self.leaves.get(leaf as usize) {
            fetch(&leaf.bitmap);
        }
    }

    /// Asks for a level and the line over its leaf.
    #[inline(always)]
    pub(crate) fn fetch_level(&self, at: LevelRef) {
        if let Some(leaf) = self.leaves.get((at.0 >> FAN_BITS) as usize) {
            fetch(&leaf.levels[at.0 as usize % FAN]);
            fetch(&leaf.bitmap);
        }
    }

    /// Whether so many more blocks can be had.
    pub(crate) const fn has_blocks(&self, count: u32) -> bool {
        self.limit - self.used >= count
    }

    fn take_leaf(&mut self, prefix: u64) -> u32 {
        self.used += 1;
        let leaf = self.free_leaf;
        if leaf == NONE {
            self.leaves.push(Leaf { levels: [Level::EMPTY; FAN], bitmap: 0, prefix });
            return self.leaves.len() as u32 - 1;
        }
        let block = &mut self.leaves[leaf as usize];
        self.free_leaf = block.prefix as u32;
        block.bitmap = 0;
        block.prefix = prefix;
        leaf
    }

    fn free_leaf(&mut self, leaf: u32) {
        self.used -= 1;
        self.leaves[leaf as usize].prefix = u64::from(self.free_leaf);
        self.free_leaf = leaf;
    }

    fn take_node(&mut self) -> u32 {
        self.used += 1;
        let node = self.free_node;
        if node == NONE {
            self.nodes.push(Node { bitmap: 0, children: [NONE; FAN] });
            return self.nodes.len() as u32 - 1;
        }
        let block = &mut self.nodes[node as usize];
        self.free_node = block.children[0];
        block.bitmap = 0;
        node
    }

    fn free_node(&mut self, node: u32) {
        self.used -= 1;
        self.nodes[node as usize].children[0] = self.free_node;
        self.free_node = node;
    }
}

/// One side of a book.
#[derive(Clone)]
pub(crate) struct Ladder {
    /// The lowest key that holds orders; `u64::MAX` in an empty side.
    best_key: u64,
    best: LevelRef,
    /// Leaves that were used last, by the low bits of their prefix; `NONE` where it is gone.
    recent: [u32; RECENT],
    root: u32,
    /// Nodes from the root to a leaf.
    depth: u32,
    /// Added to a price before it becomes a key.
    bias: u64,
    /// All key bits for bids, whose best is the highest; 0 for asks.
    flip: u64,
}

impl Ladder {
    /// An empty side that takes prices from 1 (or `-price_max` where `signed`) to `price_max`.
    pub(crate) fn new(side: Side, depth: u32, signed: bool) -> Self {
        let mut ladder = Self {
            best_key: u64::MAX,
            best: LevelRef::NONE,
            recent: [NONE; RECENT],
            root: NONE,
            depth,
            bias: 0,
            flip: 0,
        };
        ladder.measure(side, depth, signed);
        ladder
    }

    /// Nodes that keys for these prices need between root and leaf.
    pub(crate) const fn depth_for(price_max: i64, signed: bool) -> u32 {
        let bits = u64::BITS - price_max.unsigned_abs().leading_zeros() + signed as u32;
        let levels = bits.div_ceil(FAN_BITS);
        if levels < 2 { 1 } else { levels - 1 }
    }

    fn measure(&mut self, side: Side, depth: u32, signed: bool) {
        let bits = FAN_BITS * (depth + 1);
        let all = if bits >= u64::BITS { u64::MAX } else { (1 << bits) - 1 };
        self.depth = depth;
        self.bias = if signed { all / 2 + 1 } else { 0 };
        self.flip = match side {
            Side::Buy => all,
            Side::Sell => 0,
        };
    }

    /// Blocks that making it as deep as this takes, at most: a chain of nodes above what is there, or two
    /// with the old root split between them, where prices on both sides of 0 lie in it.
    pub(crate) fn deepening_blocks(&self, depth: u32) -> u32 {
        match depth.checked_sub(self.depth) {
            Some(added) if added > 0 && self.root != NONE => 2 * added + 1,
            _ => 0,
        }
    }

    /// Makes room for higher prices. Levels keep their places; only the nodes above them are made new.
    pub(crate) fn deepen(&mut self, pool: &mut BlockPool, side: Side, depth: u32, signed: bool) {
        let mut leaves = Vec::new();
        let mut next = self.first();
        while let Some((key, at)) = next {
            let leaf = at.0 >> FAN_BITS;
            if leaves.last().is_none_or(|&(last, _)| last != leaf) {
                leaves.push((leaf, self.price(key)));
            }
            next = self.after(pool, key);
        }
        self.free_nodes(pool, self.root, self.depth);
        *self = Self::new(side, depth, signed);
        for (leaf, price) in leaves {
            let prefix = self.key(price) >> FAN_BITS;
            pool.leaves[leaf as usize].prefix = prefix;
            *self.child(pool, prefix) = leaf;
        }
        self.find_best(pool);
    }

    fn free_nodes(&self, pool: &mut BlockPool, node: u32, height: u32) {
        if node == NONE {
            return;
        }
        if height > 1 {
            let mut bitmap = pool.nodes[node as usize].bitmap;
            while bitmap != 0 {
                let child = pool.nodes[node as usize].children[bitmap.trailing_zeros() as usize];
                self.free_nodes(pool, child, height - 1);
                bitmap &= bitmap - 1;
            }
        }
        pool.free_node(node);
    }

    pub(crate) const fn depth(&self) -> u32 {
        self.depth
    }

    #[inline(always)]
    pub(crate) const fn key(&self, price: i64) -> u64 {
        (price as u64).wrapping_add(self.bias) ^ self.flip
    }

    #[inline(always)]
    const fn price(&self, key: u64) -> i64 {
        (key ^ self.flip).wrapping_sub(self.bias) as i64
    }

    /// The key of the best level; `u64::MAX` where there is none, which no price reaches.
    #[inline(always)]
    pub(crate) const fn best_key(&self) -> u64 {
        self.best_key
    }

    #[inline(always)]
    pub(crate) const fn best(&self) -> LevelRef {
        self.best
    }

    /// The best price.
    pub(crate) fn best_price(&self) -> Option<Price> {
        (self.best != LevelRef::NONE).then(|| Price(self.price(self.best_key)))
    }

    /// The best level and its key.
    pub(crate) fn first(&self) -> Option<(u64, LevelRef)> {
        (self.best != LevelRef::NONE).then_some((self.best_key, self.best))
    }

    /// The next level behind `key`.
    pub(crate) fn after(&self, pool: &BlockPool, key: u64) -> Option<(u64, LevelRef)> {
        if self.root == NONE {
            return None;
        }
        self.seek(pool, self.root, self.depth, key.checked_add(1)?)
    }

    /// The first level at or behind `key` below `block`, a node of this height (0: a leaf).
    fn seek(&self, pool: &BlockPool, block: u32, height: u32, key: u64) -> Option<(u64, LevelRef)> {
        let digit = (key >> (FAN_BITS * height)) % FAN as u64;
        if height == 0 {
            let leaf = &pool.leaves[block as usize];
            let bitmap = leaf.bitmap & (u64::MAX << digit);
            let slot = bitmap.trailing_zeros();
            return (bitmap != 0)
                .then(|| ((leaf.prefix << FAN_BITS) | u64::from(slot), LevelRef::new(block, slot)));
        }
        let node = &pool.nodes[block as usize];
        let mut bitmap = node.bitmap & (u64::MAX << digit);
        while bitmap != 0 {
            let child = bitmap.trailing_zeros();
            let from = if u64::from(child) == digit { key } else { 0 };
            let found = self.seek(pool, node.children[child as usize], height - 1, from);
            if found.is_some() {
                return found;
            }
            bitmap &= bitmap - 1;
        }
        None
    }

    /// Whether keys of this side's size can name the price.
    pub(crate) const fn reaches(&self, price: i64) -> bool {
        let bits = FAN_BITS * (self.depth + 1);
        let key = (price as u64).wrapping_add(self.bias);
        (price > 0 || self.bias != 0) && (bits >= u64::BITS || key >> bits == 0)
    }

    /// The price of a level found by `first` or `after`.
    pub(crate) const fn price_at(&self, key: u64) -> Price {
        Price(self.price(key))
    }

    /// The level at this key, if it holds orders.
    pub(crate) fn find(&self, pool: &BlockPool, key: u64) -> Option<LevelRef> {
        let mut block = self.root;
        for height in (1..=self.depth).rev() {
            let node = pool.nodes.get(block as usize)?;
            let digit = (key >> (FAN_BITS * height)) % FAN as u64;
            if node.bitmap & (1 << digit) == 0 {
                return None;
            }
            block = node.children[digit as usize];
        }
        let slot = key % FAN as u64;
        let leaf = pool.leaves.get(block as usize)?;
        (leaf.bitmap & (1 << slot) != 0).then(|| LevelRef::new(block, slot as u32))
    }

    /// Whether the blocks for a level at this key are there or can be had.
    #[inline(always)]
    pub(crate) fn has_room(&self, pool: &BlockPool, key: u64) -> bool {
        pool.limit - pool.used > self.depth || self.blocks_missing(pool, key) <= pool.limit - pool.used
    }

    #[cold]
    fn blocks_missing(&self, pool: &BlockPool, key: u64) -> u32 {
        let mut block = self.root;
        for height in (1..=self.depth).rev() {
            let Some(node) = pool.nodes.get(block as usize) else { return height + 1 };
            let digit = (key >> (FAN_BITS * height)) % FAN as u64;
            if node.bitmap & (1 << digit) == 0 {
                return height;
            }
            block = node.children[digit as usize];
        }
        0
    }

    /// The level at this key, made where it is missing; the caller puts an order into it.
    #[inline(always)]
    pub(crate) fn touch<'p>(&mut self, pool: &'p mut BlockPool, key: u64) -> (LevelRef, &'p mut Level) {
        let leaf = match self.recent_leaf(pool, key) {
            Some(leaf) => leaf,
            None => self.leaf(pool, key >> FAN_BITS),
        };
        self.touch_in(pool, leaf, key)
    }

    /// The leaf for this key, made where it is missing; `None` where the pool has no blocks for it.
    #[inline(always)]
    pub(crate) fn leaf_for(&mut self, pool: &mut BlockPool, key: u64) -> Option<u32> {
        match self.recent_leaf(pool, key) {
            Some(leaf) => Some(leaf),
            None => self.leaf_if_room(pool, key),
        }
    }

    /// The leaf of this key, if it was used lately. A block that was freed is not: `remove_leaf` sees to it.
    #[inline(always)]
    fn recent_leaf(&self, pool: &BlockPool, key: u64) -> Option<u32> {
        let prefix = key >> FAN_BITS;
        let leaf = self.recent[prefix as usize % RECENT];
        pool.leaves.get(leaf as usize).filter(|block| block.prefix == prefix).map(|_| leaf)
    }

    /// Where a level at this key probably is, if it is, found without looking into any block.
    #[inline(always)]
    pub(crate) fn guess<'p>(&self, pool: &'p BlockPool, key: u64) -> Option<(u32, &'p Level)> {
        let leaf = self.recent[(key >> FAN_BITS) as usize % RECENT];
        Some((leaf, &pool.leaves.get(leaf as usize)?.levels[key as usize % FAN]))
    }

    /// The level at this key, in its leaf.
    #[inline(always)]
    pub(crate) fn touch_in<'p>(
        &mut self,
        pool: &'p mut BlockPool,
        leaf: u32,
        key: u64,
    ) -> (LevelRef, &'p mut Level) {
        let slot = (key % FAN as u64) as u32;
        let at = LevelRef::new(leaf, slot);
        let block = &mut pool.leaves[leaf as usize];
        let level = &mut block.levels[slot as usize];
        let bit = 1 << slot;
        if block.bitmap & bit == 0 {
            block.bitmap |= bit;
            *level = Level::EMPTY;
            if key < self.best_key {
                self.best_key = key;
                self.best = at;
            }
        }
        (at, level)
    }

    #[inline(never)]
    fn leaf_if_room(&mut self, pool: &mut BlockPool, key: u64) -> Option<u32> {
        self.has_room(pool, key).then(|| self.leaf(pool, key >> FAN_BITS))
    }

    #[inline(never)]
    fn leaf(&mut self, pool: &mut BlockPool, prefix: u64) -> u32 {
        let mut leaf = *self.child(pool, prefix);
        if leaf == NONE {
            leaf = pool.take_leaf(prefix);
            *self.child(pool, prefix) = leaf;
        }
        self.recent[prefix as usize % RECENT] = leaf;
        leaf
    }

    /// The place that names the leaf of `prefix`, with the nodes above it; `NONE` in it where it is new.
    fn child<'p>(&mut self, pool: &'p mut BlockPool, prefix: u64) -> &'p mut u32 {
        if self.root == NONE {
            self.root = pool.take_node();
        }
        let mut block = self.root;
        for height in (1..self.depth).rev() {
            let digit = (prefix >> (FAN_BITS * height)) as usize % FAN;
            if pool.nodes[block as usize].bitmap & (1 << digit) == 0 {
                let node = pool.take_node();
                let parent = &mut pool.nodes[block as usize];
                parent.bitmap |= 1 << digit;
                parent.children[digit] = node;
            }
            block = pool.nodes[block as usize].children[digit];
        }
        let digit = prefix as usize % FAN;
        let node = &mut pool.nodes[block as usize];
        if node.bitmap & (1 << digit) == 0 {
            node.bitmap |= 1 << digit;
            node.children[digit] = NONE;
        }
        &mut node.children[digit]
    }

    /// Takes out a level whose last order has gone.
    #[inline(always)]
    pub(crate) fn remove(&mut self, pool: &mut BlockPool, at: LevelRef) {
        let leaf = at.0 >> FAN_BITS;
        let block = &mut pool.leaves[leaf as usize];
        block.bitmap &= !(1 << (at.0 as usize % FAN));
        if block.bitmap == 0 {
            let prefix = block.prefix;
            self.remove_leaf(pool, leaf, prefix);
        } else if at == self.best {
            let slot = block.bitmap.trailing_zeros();
            self.best_key = (block.prefix << FAN_BITS) | u64::from(slot);
            self.best = LevelRef::new(leaf, slot);
        }
    }

    #[inline(never)]
    fn remove_leaf(&mut self, pool: &mut BlockPool, leaf: u32, prefix: u64) {
        // A freed leaf may come back in another ladder with the same prefix.
        let recent = &mut self.recent[prefix as usize % RECENT];
        if *recent == leaf {
            *recent = NONE;
        }
        pool.free_leaf(leaf);
        let mut path = [NONE; DEPTH_MAX];
        let mut block = self.root;
        for height in (0..self.depth).rev() {
            path[height as usize] = block;
            block = pool.nodes[block as usize].children[(prefix >> (FAN_BITS * height)) as usize % FAN];
        }
        for height in 0..self.depth {
            let node = path[height as usize];
            let digit = (prefix >> (FAN_BITS * height)) as usize % FAN;
            pool.nodes[node as usize].bitmap &= !(1 << digit);
            if pool.nodes[node as usize].bitmap != 0 {
                break;
            }
            pool.free_node(node);
            if node == self.root {
                self.root = NONE;
            }
        }
        if self.best.0 >> FAN_BITS == leaf {
            self.find_best(pool);
        }
    }

    fn find_best(&mut self, pool: &BlockPool) {
        (self.best_key, self.best) = (u64::MAX, LevelRef::NONE);
        let mut block = self.root;
        if block == NONE {
            return;
        }
        for _ in 0..self.depth {
            let node = &pool.nodes[block as usize];
            block = node.children[node.bitmap.trailing_zeros() as usize % FAN];
        }
        let leaf = &pool.leaves[block as usize];
        let slot = leaf.bitmap.trailing_zeros();
        self.best_key = (leaf.prefix << FAN_BITS) | u64::from(slot);
        self.best = LevelRef::new(block, slot);
    }
}

const _: () = {
    assert!(size_of::<Level>() == 32);
};

#[cfg(test)]
mod tests;
