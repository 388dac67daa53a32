//! Where a process hangs or has crashed: Python's fault handler writes its stacks when asked by a signal, and this reads them.

use std::path::Path;

use domain::{ErrorDocument, Frame};

use super::source;

/// The most frames that are kept, innermost first: a recursion's other thousand say the same.
const FRAMES_MAX: usize = 50;

/// How every heading ends.
const HEADING_END: &str = " (most recent call first):";
/// Where the runtime waits for what outlives the function (`python/aftercall/_runtime/ending.py`).
const AFTER_THE_FUNCTION: &str = "end_gracefully";

/// How the stack of a thread says that it runs an event loop.
const EVENT_LOOP: &[u8] = b" in run_forever";
/// How the heading begins of what such a loop's main task awaits (`python/aftercall/_runtime/awaiting.py`).
const AWAITING: &str = "Awaiting task";

/// What imports: between two frames of the project it says nothing.
const IMPORTING: [&str; 3] = [
    "<frozen importlib._bootstrap>",
    "<frozen importlib._bootstrap_external>",
    "importlib/__init__.py",
];

/// Where a process was.
#[derive(Debug)]
pub struct Stack {
    /// Its frames.
    pub document: ErrorDocument,
    /// What was still running although the function had returned, if it had.
    pub outlived_by: Option<String>,
}

/// Where the files of an attempt lie.
#[derive(Clone, Copy)]
struct Files<'a> {
    project: &'a Path,
    runtime: &'a Path,
}

/// The stack of one thread, or of what else is told in this way.
struct Section<'a> {
    what: &'a str,
    lines: Vec<&'a str>,
}

/// Whether nothing is to come behind this text. Where a thread runs an event loop, what is awaited does: it is told by Python code,
/// which needs a moment.
pub fn is_whole(text: &[u8]) -> bool {
    let holds = |what: &[u8]| text.windows(what.len()).any(|part| part == what);
    !holds(EVENT_LOOP) || holds(AWAITING.as_bytes())
}

/// Reads the fault handler's text: the current thread's frames, those of `runtime` left out, paths of the project relative.
/// Where that thread is in none of the project's code but a task of asyncio's is, the task's; where it waits for what outlives
/// the function, the frames of a thread that does.
///
/// `None` if there is no frame to show.
pub fn read(text: &str, project: &Path, runtime: &Path) -> Option<Stack> {
    let files = Files { project, runtime };
    let sections = sections(text);
    let called = |what: &'static str| {
        sections
            .iter()
            .filter(move |section| section.what.starts_with(what))
    };
    let current = called("Current thread").next().or(sections.first())?;
    let has_returned = current
        .lines
        .iter()
        .any(|line| is_after_the_function(line, runtime));
    let others = called("Running thread").chain(called("Thread "));
    let places = std::iter::once(current)
        .chain(called(AWAITING))
        .chain(others.filter(|_| has_returned));
    let mut own = places
        .map(|section| (section.what, section.frames(files)))
        .filter(|(_, frames)| frames.iter().any(|frame| frame.own));
    let (what, frames) = own
        .next()
        .unwrap_or_else(|| (current.what, current.frames(files)));
    let outlived_by = has_returned.then(|| match what.strip_prefix("Running thread ") {
        Some(name) => format!("its thread {name:?}"),
        None if what == current.what => "what was to be done at its process's exit".to_owned(),
        None => "a thread of it".to_owned(),
    });
    Some(Stack {
        document: document(frames)?,
        outlived_by,
    })
}

fn document(frames: Vec<Frame>) -> Option<ErrorDocument> {
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

/// All that is told under a heading each, in order.
fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        if let Some(what) = line.trim_end().strip_suffix(HEADING_END) {
            is_inside = true;
            sections.push(Section {
                what,
                lines: Vec::new(),
            });
        } else if line.trim().is_empty() {
            is_inside = false;
        } else if let Some(section) = sections.last_mut().filter(|_| is_inside) {
            section.lines.push(line);
        }
    }
    sections
}

impl Section<'_> {
    /// Outermost first.
    fn frames(&self, files: Files<'_>) -> Vec<Frame> {
        let mut frames: Vec<_> = self
            .lines
            .iter()
            .filter_map(|line| frame(line, files.project, files.runtime))
            .take(FRAMES_MAX)
            .collect();
        frames.reverse();
        frames
    }
}

fn is_after_the_function(line: &str, runtime: &Path) -> bool {
    parts(line).is_some_and(|(path, _, function)| {
        function == AFTER_THE_FUNCTION && Path::new(path).starts_with(runtime)
    })
}

/// File, line and function of one line, as `  File "/…/scenarios.py", line 16 in hangs`.
fn parts(line: &str) -> Option<(&str, u32, &str)> {
    let (path, rest) = line.trim().strip_prefix("File \"")?.rsplit_once("\", line ")?;
    let (number, function) = rest.split_once(" in ")?;
    Some((path, number.parse().ok()?, function))
}

/// The frame of one line, unless it is the runtime's.
fn frame(line: &str, project: &Path, runtime: &Path) -> Option<Frame> {
    let (path, number, function) = parts(line)?;
    let path = Path::new(path);
    if path.starts_with(runtime) || IMPORTING.iter().any(|importing| path.ends_with(importing)) {
        return None;
    }
    let relative = path.strip_prefix(project).ok();
    // Only the project's files are looked into: they are small, and ours to read.
    let source = relative
        .and_then(|_| std::fs::read_to_string(path).ok())
        .and_then(|text| source::line(&text, number));
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
        assert_eq!(stack.outlived_by, None);
        let told: Vec<_> = stack
            .document
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
            let lines: Vec<_> = stack.document.frames.iter().map(|f| (f.line, f.own)).collect();
            lines
        };
        assert_eq!(told(&format!("{current}{task}")), [(2, true), (3, false)]);
        // Blocked in the function itself, within the loop: the thread's own stack is nearer.
        let own = format!("{current}  File \"{}\", line 1 in end_function\n", file.display());
        assert_eq!(told(&format!("{own}{task}")), [(1, true), (7, false)]);
    }

    #[test]
    fn of_a_function_that_has_returned_the_thread_is_told_that_still_runs() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join("end_function.py");
        std::fs::write(&file, "def spin():\n    while True: pass\n").unwrap();
        let project = project.path();
        let spins = format!("  File \"{}\", line 2 in spin\n\n", file.display());
        let join = "Current thread 0x2 (most recent call first):\n  File \"/usr/lib/python3/threading.py\", line 9 in _shutdown\n";
        let end = "  File \"/rt/aftercall/_runtime/ending.py\", line 5 in end_gracefully\n\n";
        let watch = "Thread 0x3 (most recent call first):\n  File \"/rt/aftercall/_runtime/ending.py\", line 7 in _wait\n\n";
        let thread = format!("Thread 0x1 (most recent call first):\n{spins}");
        let named = format!("Running thread reports (most recent call first):\n{spins}");
        let read = |text: &str| {
            let stack = read(text, project, Path::new("/rt")).unwrap();
            (stack.document.message, stack.outlived_by)
        };
        let here = "it was at end_function.py:2, in spin".to_owned();
        let told = |by: &str| (here.clone(), Some(by.to_owned()));
        // Python may not get to run any more, and then no name is told.
        let unnamed = format!("{watch}{thread}{join}{end}");
        assert_eq!(read(&unnamed), told("a thread of it"));
        assert_eq!(read(&format!("{unnamed}{named}")), told("its thread \"reports\""));
        let at_exit = format!(
            "{thread}Current thread 0x2 (most recent call first):\n{}{end}",
            spins.trim_end_matches('\n').to_owned() + "\n"
        );
        assert_eq!(read(&at_exit), told("what was to be done at its process's exit"));
        // A function that waits itself is not told by another thread.
        let waits = format!("{thread}{join}  File \"/rt/aftercall/_runtime/child.py\", line 9 in _call\n");
        let (message, outlived_by) = read(&waits);
        assert!(
            message.contains("threading.py") && outlived_by.is_none(),
            "{message}"
        );
    }

    #[test]
    fn what_is_no_stack_gives_none() {
        assert!(read("", Path::new("/p"), Path::new("/r")).is_none());
        assert!(read("Current thread\n  File \"x\n", Path::new("/p"), Path::new("/r")).is_none());
    }
}
