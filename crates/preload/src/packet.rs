//! The binary packets of the control socket (`SOCK_SEQPACKET`: one packet, one message). Integers in native byte
//! order: both ends are on one machine. Neither side allocates to write one.

/// Longest name of a temporary folder, bytes (`NAME_MAX`).
pub const FOLDER_NAME_LIMIT: usize = 255;

/// Longest packet that a zygote takes, bytes.
pub const FORK_SIZE_LIMIT: usize = TOKEN_END + FOLDER_NAME_LIMIT;

/// Longest packet that a zygote sends, bytes.
pub const REPORT_SIZE_LIMIT: usize = 45;

const TOKEN_END: usize = 9;

/// `F`, supervisor to zygote, with two descriptors: the child's channel and its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork<'a> {
    /// Chosen by the supervisor; names this child in all reports.
    pub token: u64,
    /// Name of the child's temporary folder, which must not exist yet; one path component.
    pub folder: &'a [u8],
}

impl<'a> Fork<'a> {
    /// The packet's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut packet = Vec::with_capacity(TOKEN_END + self.folder.len());
        packet.push(b'F');
        packet.extend(self.token.to_ne_bytes());
        packet.extend(self.folder);
        packet
    }

    /// Reads a packet. A folder's name that is none is [`Malformed::Named`].
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(packet: &'a [u8]) -> Result<Fork<'a>, Malformed> {
        let (Some(b'F'), Some(token)) = (packet.first(), u64_at(packet, 1)) else {
            return Err(Malformed::Unnamed);
        };
        let folder = &packet[TOKEN_END..];
        let is_component = folder.len() <= FOLDER_NAME_LIMIT
            && folder != b"."
            && folder != b".."
            && !folder.iter().any(|byte| matches!(byte, b'/' | 0));
        if is_component {
            Ok(Fork { token, folder })
        } else {
            Err(Malformed::Named(token))
        }
    }
}

/// Why a packet was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It has a token at least, which can be answered.
    Named(u64),
    /// It has none.
    Unnamed,
}

/// What a zygote sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// `P`, with the child's pidfd where the kernel has such: it was forked.
    Forked {
        /// The request's token.
        token: u64,
        /// The child's process id.
        pid: i32,
    },
    /// `N`: it was not forked.
    Refused {
        /// The request's token.
        token: u64,
        /// Why.
        errno: i32,
    },
    /// `X`: it ended, and is reaped.
    Exited {
        /// The request's token.
        token: u64,
        /// As `wait4` gives it.
        status: i32,
        /// Processor time in user mode, microseconds.
        user_us: u64,
        /// Processor time in the kernel, microseconds.
        system_us: u64,
        /// Greatest resident size, KiB.
        max_rss_kib: u64,
        /// Page faults without input or output.
        minor_faults: u64,
    },
}

impl Report {
    /// Writes the packet; gives its length.
    pub fn encode(&self, packet: &mut [u8; REPORT_SIZE_LIMIT]) -> usize {
        let mut end = 0;
        let mut put = |bytes: &[u8]| {
            packet[end..end + bytes.len()].copy_from_slice(bytes);
            end += bytes.len();
        };
        match *self {
            Report::Forked { token, pid } => {
                put(b"P");
                put(&token.to_ne_bytes());
                put(&pid.to_ne_bytes());
            }
            Report::Refused { token, errno } => {
                put(b"N");
                put(&token.to_ne_bytes());
                put(&errno.to_ne_bytes());
            }
            Report::Exited {
                token,
                status,
                user_us,
                system_us,
                max_rss_kib,
                minor_faults,
            } => {
                put(b"X");
                put(&token.to_ne_bytes());
                put(&status.to_ne_bytes());
                for number in [user_us, system_us, max_rss_kib, minor_faults] {
                    put(&number.to_ne_bytes());
                }
            }
        }
        end
    }

    /// Reads a packet; `None` when it is none of these.
    pub fn decode(packet: &[u8]) -> Option<Report> {
        let (token, number) = (u64_at(packet, 1)?, i32_at(packet, TOKEN_END)?);
        match (packet[0], packet.len()) {
            (b'P', 13) => Some(Report::Forked { token, pid: number }),
            (b'N', 13) => Some(Report::Refused { token, errno: number }),
            (b'X', REPORT_SIZE_LIMIT) => Some(Report::Exited {
                token,
                status: number,
                user_us: u64_at(packet, 13)?,
                system_us: u64_at(packet, 21)?,
                max_rss_kib: u64_at(packet, 29)?,
                minor_faults: u64_at(packet, 37)?,
            }),
            _ => None,
        }
    }
}

fn u64_at(packet: &[u8], at: usize) -> Option<u64> {
    packet.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes)
}

fn i32_at(packet: &[u8], at: usize) -> Option<i32> {
    packet.get(at..at + 4)?.try_into().ok().map(i32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_survive_the_wire_and_cut_or_grown_ones_are_none() {
        for report in [
            Report::Forked {
                token: u64::MAX - 1,
                pid: 4_194_303,
            },
            Report::Refused { token: 0, errno: 11 },
            Report::Exited {
                token: 7,
                status: 0x8B,
                user_us: 1,
                system_us: 2,
                max_rss_kib: u64::MAX,
                minor_faults: 4,
            },
        ] {
            let mut packet = [0xAA; REPORT_SIZE_LIMIT];
            let length = report.encode(&mut packet);
            assert_eq!(Report::decode(&packet[..length]), Some(report));
            assert!((0..length).all(|cut| Report::decode(&packet[..cut]).is_none()));
            let grown = [&packet[..length], &[0]].concat();
            assert_eq!(Report::decode(&grown), None);
        }
    }

    #[test]
    fn a_fork_names_one_path_component() {
        let fork = Fork {
            token: 77,
            folder: b"run-1.2",
        };
        assert_eq!(Fork::decode(&fork.encode()), Ok(fork));
        for folder in [&b"a/b"[..], b"..", b".", b"a\0", &[b'x'; FOLDER_NAME_LIMIT + 1]] {
            assert_eq!(
                Fork::decode(&Fork { token: 77, folder }.encode()),
                Err(Malformed::Named(77))
            );
        }
        for packet in [&b""[..], b"F", b"F1234567", b"G12345678abc"] {
            assert_eq!(Fork::decode(packet), Err(Malformed::Unnamed));
        }
    }
}
