//! A package index on the loopback: pages of links to the files of a folder, for those who know its password.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Who may read it.
pub const READER: &str = "reader:hunter2";

/// A running index. Its thread ends with the test's process.
pub struct Index {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    requests: AtomicUsize,
    /// Whether files are announced and then not sent.
    stalls: AtomicBool,
    /// Those that wait for the rest of an answer.
    stalled: Mutex<Vec<TcpStream>>,
}

impl Index {
    /// One over a folder's files.
    pub fn over(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            requests: AtomicUsize::new(0),
            stalls: AtomicBool::new(false),
            stalled: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                // A client that goes in the middle is none of the index's concern.
                thread::spawn(move || shared.serve(stream).ok());
            }
        });
        Self { port, shared }
    }

    /// Its URL, with the password.
    pub fn url(&self) -> String {
        format!("http://{READER}@127.0.0.1:{}/simple", self.port)
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Answers from now on in part only, or whole again.
    pub fn stall(&self, stalls: bool) {
        self.shared.stalls.store(stalls, Ordering::SeqCst);
    }

    /// How many wait for the rest of an answer.
    pub fn waiting(&self) -> usize {
        self.shared.stalled.lock().unwrap().len()
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut first, mut authorized) = (String::new(), false);
        reader.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            let expected = format!("authorization: basic {}", STANDARD.encode(READER));
            authorized |= line.trim().to_lowercase() == expected.to_lowercase();
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        let path = first.split(' ').nth(1).unwrap_or_default();
        let (status, body) = match path.trim_matches('/').split_once('/') {
            _ if !authorized => ("401 Unauthorized", Vec::new()),
            Some(("simple", name)) => ("200 OK", self.page(name).into_bytes()),
            Some(("files", name)) => ("200 OK", std::fs::read(self.folder.join(name))?),
            _ => ("404 Not Found", Vec::new()),
        };
        let stalls = path.contains("/files/") && self.stalls.load(Ordering::SeqCst);
        let kind = if path.contains("/files/") {
            "application/octet-stream"
        } else {
            "text/html"
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\
             WWW-Authenticate: Basic realm=\"index\"\r\n\r\n"
        )?;
        if stalls {
            stream.write_all(&body[..length / 2])?;
            self.stalled.lock().unwrap().push(stream);
            return Ok(());
        }
        stream.write_all(&body)
    }

    fn page(&self, name: &str) -> String {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let links = entries.filter_map(|entry| {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let of = file.split('-').next().unwrap_or_default().replace('_', "-");
            let digest = Sha256::digest(std::fs::read(self.folder.join(&file)).ok()?);
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            (of == name).then(|| format!("<a href=\"/files/{file}#sha256={digest}\">{file}</a>\n"))
        });
        format!(
            "<!DOCTYPE html><html><body>{}</body></html>",
            links.collect::<String>()
        )
    }
}
