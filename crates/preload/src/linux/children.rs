//! Which child is which: process id to the supervisor's token.

use crate::CHILDREN;

/// The living children. All zeroes is an empty table, so that it takes no room in the library's file; its numbers
/// stand close together, so that few pages are dirtied and a search through all of them is short.
pub(super) struct Children {
    count: usize,
    pids: [i32; CHILDREN],
    tokens: [u64; CHILDREN],
}

impl Children {
    pub(super) const fn new() -> Self {
        Children {
            count: 0,
            pids: [0; CHILDREN],
            tokens: [0; CHILDREN],
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.count == CHILDREN
    }

    /// Adds a child. There must be room.
    pub(super) fn add(&mut self, pid: i32, token: u64) {
        self.pids[self.count] = pid;
        self.tokens[self.count] = token;
        self.count += 1;
    }

    /// Removes a child; gives its token, or `None` for a process that was never added.
    pub(super) fn remove(&mut self, pid: i32) -> Option<u64> {
        let at = self.pids[..self.count].iter().position(|known| *known == pid)?;
        let token = self.tokens[at];
        self.count -= 1;
        self.pids[at] = self.pids[self.count];
        self.tokens[at] = self.tokens[self.count];
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_child_is_found_once_under_its_own_token() {
        let mut children = Children::new();
        for pid in 1..=CHILDREN as i32 {
            assert!(!children.is_full());
            children.add(pid, u64::MAX - pid as u64);
        }
        assert!(children.is_full());
        for pid in (1..=CHILDREN as i32)
            .step_by(2)
            .chain((2..=CHILDREN as i32).step_by(2))
        {
            assert_eq!(children.remove(pid), Some(u64::MAX - pid as u64));
            assert_eq!(children.remove(pid), None);
        }
        assert_eq!(children.count, 0);
    }
}
