//! Where a child hangs: Python's fault handler writes its stacks when asked by a signal, and this reads them.

use std::path::Path;

use domain::{ErrorDocument, Frame};

/// The most frames that are kept, innermost first: a recursion's other thousand say the same.
const FRAMES_MAX: usize = 50;

/// Reads the fault handler's text: the current thread's frames, those of `runtime` left out, paths of the project relative.
/// Where that thread is in none of the project's code but a task of asyncio's is, the task's.
///
/// `None` if there is no frame to show.
pub fn read(text: &str, project: &Path, runtime: &Path) -> Option<ErrorDocument> {
    let section = |heading| {
        text.find(heading)
            .map(|start| frames(&text[start..], project, runtime))
    };
    let mut frames = section("Current thread").unwrap_or_else(|| frames(text, project, runtime));
    let is_own = |frames: &[Frame]| frames.iter().any(|frame| frame.own);
    if !is_own(&frames)
        && let Some(awaiting) = section("Awaiting task")
        && is_own(&awaiting)
    {
        frames = awaiting;
    }
    frames.reverse();
    if frames.is_empty() {
        return None;
    }
    let here = frames.iter().rfind(|frame| frame.own).or(frames.last())?;
    let message = format!("it was at {}:{}, in {}", here.file, here.line, here.function);
    let mut traceback = "Where it was when it was ended (most recent call last):\n".to_owned();
    for frame in &frames {
        traceback.push_str(&format!(
            "  File \"{}\", line {}, in {}\n",
            frame.file, frame.line, frame.function
        ));
        if !frame.source.is_empty() {
            traceback.push_str(&format!("    {}\n", frame.source.trim_start()));
        }
    }
    Some(ErrorDocument {
        kind: String::new(),
        message,
        traceback,
        frames,
        cause: None,
    })
}

/// The frames below a heading, innermost first.
fn frames(section: &str, project: &Path, runtime: &Path) -> Vec<Frame> {
    let lines = section.lines().skip(1).take_while(|line| !line.trim().is_empty());
    lines
        .filter_map(|line| frame(line, project, runtime))
        .take(FRAMES_MAX)
        .collect()
}

/// One line, as `  File "/…/scenarios.py", line 16 in hangs`.
fn frame(line: &str, project: &Path, runtime: &Path) -> Option<Frame> {
    let (path, rest) = line.trim().strip_prefix("File \"")?.rsplit_once("\", line ")?;
    let (number, function) = rest.split_once(" in ")?;
    let number: u32 = number.parse().ok()?;
    let path = Path::new(path);
    if path.starts_with(runtime) {
        return None;
    }
    let relative = path.strip_prefix(project).ok();
    // Only the project's files are looked into: they are small, and ours to read.
    let source = relative
        .and_then(|_| std::fs::read_to_string(path).ok())
        .and_then(|text| {
            text.lines()
                .nth(number.checked_sub(1)? as usize)
                .map(str::to_owned)
        });
    Some(Frame {
        file: relative.unwrap_or(path).display().to_string(),
        line: number,
        function: function.to_owned(),
        source: source.unwrap_or_default(),
        own: relative.is_some(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_current_threads_own_frames_are_told_outermost_first_with_their_source() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join("end_function.py");
        std::fs::write(&file, "def end_function(conv):\n    wait()\n").unwrap();
        let text = format!(
            "Thread 0x1 (most recent call first):\n  File \"/usr/lib/python3/threading.py\", line 1 in run\n\n\
             Current thread 0x2 (most recent call first):\n  File \"/usr/lib/python3/socket.py\", line 7 in recv\n  \
             File \"{}\", line 2 in end_function\n  File \"/rt/aftercall/_runtime/child.py\", line 9 in _call\n",
            file.display()
        );
        let stack = read(&text, project.path(), Path::new("/rt")).unwrap();
        let told: Vec<_> = stack
            .frames
            .iter()
            .map(|f| (f.file.as_str(), f.line, f.source.trim(), f.own))
            .collect();
        assert_eq!(
            told,
            [
                ("end_function.py", 2, "wait()", true),
                ("/usr/lib/python3/socket.py", 7, "", false)
            ]
        );
    }

    #[test]
    fn of_an_event_loop_that_waits_the_task_is_told() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join("end_function.py");
        std::fs::write(
            &file,
            "async def end_function(conv):\n    await asyncio.sleep(9)\n",
        )
        .unwrap();
        let current = "Current thread 0x2 (most recent call first):\n  File \"/usr/lib/python3/selectors.py\", line 7 in select\n";
        let task = format!(
            "\nAwaiting task (most recent call first):\n  File \"/usr/lib/python3/asyncio/tasks.py\", line 3 in sleep\n  \
             File \"{}\", line 2 in end_function\n  File \"/rt/aftercall/_runtime/returned.py\", line 9 in main\n",
            file.display()
        );
        let told = |text: &str| {
            let stack = read(text, project.path(), Path::new("/rt")).unwrap();
            let lines: Vec<_> = stack.frames.iter().map(|f| (f.line, f.own)).collect();
            lines
        };
        assert_eq!(told(&format!("{current}{task}")), [(2, true), (3, false)]);
        // Blocked in the function itself, within the loop: the thread's own stack is nearer.
        let own = format!("{current}  File \"{}\", line 1 in end_function\n", file.display());
        assert_eq!(told(&format!("{own}{task}")), [(1, true), (7, false)]);
    }

    #[test]
    fn what_is_no_stack_gives_none() {
        assert!(read("", Path::new("/p"), Path::new("/r")).is_none());
        assert!(read("Current thread\n  File \"x\n", Path::new("/p"), Path::new("/r")).is_none());
    }
}
