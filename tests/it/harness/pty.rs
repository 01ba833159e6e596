//! A terminal that the built program runs in: what stands on its screen, and what is typed into it.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, channel};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::time::Instant;

use super::BOUND;

/// Columns and lines of a screen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size(pub(crate) u16, pub(crate) u16);

/// The screen of a machine room, and one beside a desk.
pub(crate) const NARROW: Size = Size(80, 24);
pub(crate) const WIDE: Size = Size(140, 40);

/// How the program leaves the screen that it borrowed.
const LEAVES_SCREEN: &[u8] = b"\x1b[?1049l";

/// A program in a terminal.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    printed: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
    size: Size,
}

impl Terminal {
    /// Starts the built program with `args` in a terminal of `size`. The environment is that of the test, with `TERM` and `variables` set, and
    /// without what would change colours or the locale.
    pub(crate) fn start(args: &[&str], variables: &[(&str, &str)], size: Size) -> Self {
        let Size(cols, rows) = size;
        let pair = native_pty_system()
            .openpty(PtySize {
                rows,
                cols,
                ..PtySize::default()
            })
            .unwrap();
        keep_what_was_printed(&*pair.master);
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_revoked"));
        command.args(args);
        // Not the home of whoever runs the tests, which may not be there.
        command.cwd(std::env::current_dir().unwrap());
        for name in [
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            // Where it is set, a terminal that knows no colours gets them.
            "CI",
            "LC_ALL",
            "LC_CTYPE",
            "COLUMNS",
            "LINES",
            "REVOKED_CONFIG",
        ] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        // As long as the other end is open here too, the end of the program is not seen.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            let mut portion = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut portion) {
                if sender.send(portion[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys: pair.master.take_writer().unwrap(),
            master: pair.master,
            printed,
            bytes: Vec::new(),
            size,
        }
    }

    /// Types something; `\x03` is Ctrl-C.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Makes the screen another size.
    pub(crate) fn resize(&mut self, size: Size) {
        let Size(cols, rows) = size;
        let new = PtySize {
            rows,
            cols,
            ..PtySize::default()
        };
        self.master.resize(new).unwrap();
        self.size = size;
    }

    /// Waits until the screen shows `text`, and gives the screen.
    pub(crate) fn until_shows(&mut self, text: &str) -> String {
        self.until_it(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until the screen is as `is` says, and gives it.
    pub(crate) fn until(&mut self, is: impl Fn(&str) -> bool) -> String {
        self.until_it("what was waited for", is)
    }

    fn until_it(&mut self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + BOUND;
        loop {
            let screen = self.screen();
            if is(&screen) {
                return screen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.printed.recv_timeout(left) {
                Ok(portion) => self.bytes.extend(portion),
                Err(error) => panic!("{what} is not on the screen ({error}):\n{screen}"),
            }
        }
    }

    /// Tells the program to end, as systemd does.
    pub(crate) fn terminate(&self) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for the end of the program.
    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + BOUND;
        while let Ok(portion) = self.printed.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.bytes.extend(portion);
        }
        if Instant::now() >= deadline {
            self.child.kill().unwrap();
            panic!("the program does not end:\n{}", self.screen());
        }
        let code = self.child.wait().unwrap().exit_code();
        Ended {
            code: i32::try_from(code).unwrap(),
            screen: self.screen(),
            takes_lines: takes_lines(&*self.master),
            printed: String::from_utf8_lossy(&self.bytes).into_owned(),
        }
    }

    /// What stands on the screen, without colours; that which was borrowed rather than the one before it.
    fn screen(&self) -> String {
        let end = self
            .bytes
            .windows(LEAVES_SCREEN.len())
            .position(|bytes| bytes == LEAVES_SCREEN);
        let shown = &self.bytes[..end.unwrap_or(self.bytes.len())];
        let (rows, cols) = (self.size.1.try_into().unwrap(), self.size.0.try_into().unwrap());
        let mut parser = vt100::Parser::new(rows, cols, 0);
        parser.process(shown);
        let lines: Vec<String> = parser
            .screen()
            .contents()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        lines.join("\n").trim_end().to_owned()
    }
}

/// Has Ctrl-C discard nothing of what is printed: the kernel sends the signal first, and a quick answer to it would be lost with the rest.
fn keep_what_was_printed(master: &dyn MasterPty) {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let tty = tty(master);
    let mut modes = tcgetattr(&tty).unwrap();
    modes.local_modes.insert(LocalModes::NOFLSH);
    tcsetattr(&tty, OptionalActions::Now, &modes).unwrap();
}

/// Whether the terminal shows what is typed, and takes it by lines.
fn takes_lines(master: &dyn MasterPty) -> bool {
    use rustix::termios::{LocalModes, tcgetattr};
    let modes = tcgetattr(tty(master)).unwrap().local_modes;
    modes.contains(LocalModes::ICANON | LocalModes::ECHO)
}

/// The end of the terminal at which programs are.
fn tty(master: &dyn MasterPty) -> std::fs::File {
    use std::os::unix::fs::OpenOptionsExt as _;
    let no_control = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(no_control)
        .open(master.tty_name().unwrap())
        .unwrap()
}

/// How a program in a terminal ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: i32,
    /// The last screen, without colours.
    pub(crate) screen: String,
    /// Whether what is typed is shown and taken by lines, as a shell has it.
    pub(crate) takes_lines: bool,
    /// Every byte that it printed, colours with them.
    pub(crate) printed: String,
}
