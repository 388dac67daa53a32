//! Lines of the project's own files, for frames that came without theirs: a child that has used up its memory has none left to read them.

use std::collections::HashMap;
use std::path::{Component, Path};

use domain::{AttemptEnd, ErrorDocument, Frame};

/// Frames of one exception that are looked at, at most: a runtime tells fewer.
const FRAMES: usize = 200;

/// Adds them to what an attempt raised.
pub fn complete(end: &mut AttemptEnd, project: &Path) {
    if let AttemptEnd::Failed {
        error: Some(error), ..
    } = end
    {
        of_error(error, project, &mut HashMap::new());
    }
}

fn of_error(error: &mut ErrorDocument, project: &Path, read: &mut HashMap<String, String>) {
    for frame in error
        .frames
        .iter_mut()
        .filter(|frame| lacks_source(frame))
        .take(FRAMES)
    {
        let text = read
            .entry(frame.file.clone())
            .or_insert_with(|| std::fs::read_to_string(project.join(&frame.file)).unwrap_or_default());
        frame.source = line(text, frame.line).unwrap_or_default();
        if !frame.source.is_empty() {
            error.traceback = with_source(&error.traceback, frame);
        }
    }
    if let Some(cause) = &mut error.cause {
        of_error(cause, project, read);
    }
}

/// The traceback as Python prints it, with a frame's line behind each mention of the frame that has none.
fn with_source(traceback: &str, frame: &Frame) -> String {
    let mention = format!("  File \"{}\", line {}, in ", frame.file, frame.line);
    let mut lines = traceback.lines().peekable();
    let mut text = String::with_capacity(traceback.len());
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        let has_source = lines.peek().is_some_and(|next| next.starts_with("    "));
        if line.starts_with(&mention) && !has_source {
            text.push_str("    ");
            text.push_str(frame.source.trim());
            text.push('\n');
        }
    }
    text
}

/// Of the project, by what it says: the child says it, so it must not lead out of the project's folder.
fn lacks_source(frame: &Frame) -> bool {
    let stays = |part| matches!(part, Component::Normal(_));
    frame.own && frame.source.is_empty() && Path::new(&frame.file).components().all(stays)
}

/// A line of a text, from 1.
pub fn line(text: &str, number: u32) -> Option<String> {
    let before = usize::try_from(number).ok()?.checked_sub(1)?;
    text.lines().nth(before).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use domain::Code;

    use super::*;

    #[test]
    fn a_frame_without_its_line_gets_it_from_the_project_and_from_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        std::fs::create_dir_all(project.join("functions")).unwrap();
        std::fs::write(project.join("functions/a.py"), "first\nsecond\n").unwrap();
        std::fs::write(folder.path().join("secret"), "secret\n").unwrap();
        let frame = |file: &str, line, source: &str, own| Frame {
            file: file.to_owned(),
            line,
            function: "f".to_owned(),
            source: source.to_owned(),
            own,
        };
        let secret = folder.path().join("secret").display().to_string();
        let frames = vec![
            frame("functions/a.py", 2, "", true),
            frame("functions/a.py", 1, "as it was", true),
            frame("functions/a.py", 9, "", true),
            frame("functions/a.py", 1, "", false),
            frame("../secret", 1, "", true),
            frame(&secret, 1, "", true),
        ];
        let mut end = AttemptEnd::Failed {
            code: Code::OutOfMemory,
            signal: None,
            exit_status: None,
            message: String::new(),
            error: Some(ErrorDocument {
                kind: "SystemError".to_owned(),
                message: String::new(),
                traceback: "Traceback (most recent call last):\n  File \"functions/a.py\", line 2, in f\n  File \"functions/a.py\", line 1, in f\n    as it was\nSystemError\n".to_owned(),
                frames,
                cause: None,
            }),
        };
        complete(&mut end, &project);
        let AttemptEnd::Failed {
            error: Some(error), ..
        } = end
        else {
            unreachable!()
        };
        let sources: Vec<_> = error.frames.iter().map(|frame| frame.source.as_str()).collect();
        assert_eq!(sources, ["second", "as it was", "", "", "", ""]);
        let traceback = "Traceback (most recent call last):\n  File \"functions/a.py\", line 2, in f\n    second\n  \
                         File \"functions/a.py\", line 1, in f\n    as it was\nSystemError\n";
        assert_eq!(error.traceback, traceback);
    }
}
