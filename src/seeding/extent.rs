//! How long the seed of a folder is, and which: its first command, a note, says so. A first start that was
//! cut is told from a whole one by it, and goes on only with the same seed.

use engine::command::{AddSessionCommand, Command, CommandKind, CommandSlot, NoteCommand};
use engine::number::{Text, Timestamp};

/// Who the note names.
const WHO: &str = "seed";

/// What the note of a seed says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Commands, the note included.
    pub(crate) commands: u64,
    /// Over all that the configuration decides: not the time, the date, or the salted passwords.
    pub(crate) crc32: u32,
}

impl Extent {
    /// The extent of these commands; the first is the note, whatever it says.
    pub(crate) fn of(commands: &[CommandSlot]) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        for slot in commands.iter().skip(1) {
            hasher.update(bytemuck::bytes_of(&decided(slot)));
        }
        Self { commands: commands.len() as u64, crc32: hasher.finalize() }
    }

    /// The note that says it.
    pub(crate) fn note(self, time: Timestamp) -> CommandSlot {
        let mut note = NoteCommand::blank(CommandKind::Note, time);
        note.who = Text::new(WHO).expect("four characters fit sixteen");
        // 46 characters and a count: it fits 64 for every seed that fits a memory.
        let why = format!("first start: a seed of {} commands, crc32 {:08x}", self.commands, self.crc32);
        note.why = Text::new(&why).unwrap_or_default();
        CommandSlot::new(&note)
    }

    /// What a note says; `None` where it is no seed's, or that of a version that did not say it.
    pub(crate) fn read(who: &str, why: &str) -> Option<Self> {
        let rest = Some(why).filter(|_| who == WHO)?.strip_prefix("first start: a seed of ")?;
        let (commands, crc32) = rest.split_once(" commands, crc32 ")?;
        Some(Self { commands: commands.parse().ok()?, crc32: u32::from_str_radix(crc32, 16).ok()? })
    }
}

/// A command without what differs between two starts on one configuration.
fn decided(slot: &CommandSlot) -> CommandSlot {
    let slot = slot.at(Timestamp(0));
    match slot.view() {
        Ok(Command::AddSession(command)) => {
            CommandSlot::new(&AddSessionCommand { salt: [0; 16], password_hash: [0; 32], ..*command })
        }
        Ok(Command::Session(command)) => {
            CommandSlot::new(&engine::command::SessionCommand { date: 0, ..*command })
        }
        _ => slot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_it_was_given() {
        let extent = Extent { commands: 4_294_967_295, crc32: 0xA1 };
        let note = extent.note(Timestamp(5));
        let Ok(Command::Note(note)) = note.view() else { panic!("a note") };
        assert_eq!(Extent::read(note.who.as_str(), note.why.as_str()), Some(extent));
        assert_eq!(Extent::read("bob", note.why.as_str()), None);
        assert_eq!(Extent::read("seed", "first start on an empty data folder"), None);
    }
}
