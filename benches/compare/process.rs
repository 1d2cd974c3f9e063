//! What a server has cost so far: CPU seconds and peak memory of its whole process tree, from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Ticks of `/proc/PID/stat` in a second: `USER_HZ`, the same on every Linux.
const TICKS: f64 = 100.0;
/// How often a tree is looked at while it works.
const SAMPLE: Duration = Duration::from_millis(10);
/// How long a server may take to put away what a client left.
const REST: Duration = Duration::from_secs(10);

/// The process and all that descend from it.
fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

/// CPU seconds of one process, and of the children that it has waited for.
fn cpu_seconds_of(pid: u32) -> (f64, f64) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in brackets, may contain blanks.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), the state after the name being the third.
    let mut fields =
        fields.split_whitespace().skip(11).map(|field| field.parse::<f64>().unwrap_or_default() / TICKS);
    let mut next_two = || fields.next().unwrap_or_default() + fields.next().unwrap_or_default();
    let own = next_two();
    (own, next_two())
}

/// CPU seconds of the tree, and of what has ended in it and was waited for.
fn cpu_seconds(root: u32) -> f64 {
    tree(root).into_iter().map(cpu_seconds_of).map(|(own, waited)| own + waited).sum()
}

/// CPU seconds of each process by itself, as last seen, and which of them are there now.
#[derive(Default)]
struct Seen(BTreeMap<u32, f64>);

impl Seen {
    fn look(&mut self, root: u32) {
        for pid in tree(root) {
            let (own, _) = cpu_seconds_of(pid);
            let last = self.0.entry(pid).or_default();
            *last = last.max(own);
        }
    }

    fn total(&self) -> f64 {
        self.0.values().sum()
    }
}

/// Peak resident bytes of the processes that are in the tree now, added up.
fn peak_bytes(root: u32) -> u64 {
    let of = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    tree(root).into_iter().filter_map(of).sum::<u64>() * 1024
}

/// Lets the peak of the tree begin anew.
fn forget_peak(root: u32) {
    for pid in tree(root) {
        // Without the right to do so the peak of its whole life is shown, which is more, never less.
        let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
    }
}

/// Waits until the processes that served a connection are gone, and their cost with their parent.
pub fn rest(root: u32) {
    let since = Instant::now();
    while tree(root).len() > 1 && since.elapsed() < REST {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a tree took.
pub struct Taken {
    /// CPU seconds.
    pub cpu_seconds: f64,
    /// The most bytes there were.
    pub peak_bytes: u64,
}

/// Watches what a tree takes.
///
/// Two figures for the CPU time, of which each can only be too low: what processes hand up to those that waited for
/// them (sshd does not wait for all of its own), and what was seen of each while it lived (which misses its end).
pub struct Watch {
    root: u32,
    before: f64,
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<(f64, u64)>,
}

impl Watch {
    /// Begins.
    pub fn start(root: u32) -> Watch {
        forget_peak(root);
        let before = cpu_seconds(root);
        let over = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let over = over.clone();
            move || {
                let (mut seen, mut peak_bytes) = (Seen::default(), 0);
                seen.look(root);
                let before = seen.total();
                while !over.load(Ordering::Relaxed) {
                    seen.look(root);
                    peak_bytes = self::peak_bytes(root).max(peak_bytes);
                    std::thread::sleep(SAMPLE);
                }
                seen.look(root);
                (seen.total() - before, self::peak_bytes(root).max(peak_bytes))
            }
        });
        Watch { root, before, over, thread }
    }

    /// Waits until the processes that served a connection are gone, and tells.
    pub fn stop(self) -> Taken {
        rest(self.root);
        self.over.store(true, Ordering::Relaxed);
        let (seen, peak_bytes) = self.thread.join().unwrap_or_default();
        Taken { cpu_seconds: (cpu_seconds(self.root) - self.before).max(seen), peak_bytes }
    }
}
