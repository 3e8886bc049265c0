//! The file tree of a cell: the system's libraries, a few devices, one folder to write in.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{chdir, pivot_root};
use serde::{Deserialize, Serialize};

/// What is in the tree of a cell.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Tree {
    /// An empty folder outside that the tree may be built on.
    pub place: PathBuf,
    /// What can only be read: where it is outside, and inside.
    pub shown: Vec<(PathBuf, PathBuf)>,
    /// What can be written: where it is outside, and inside.
    pub writable: Vec<(PathBuf, PathBuf)>,
    /// Whether the system's programs are there: compilers need a linker.
    pub with_programs: bool,
}

/// Where a program finds its libraries (ld.so(8)). What does not exist on this machine is left out.
pub(super) const LIBRARIES: [&str; 6] =
    ["/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib64", "/usr/libexec"];

/// Where the system's programs are.
pub(super) const PROGRAMS: [&str; 4] =
    ["/bin", "/usr/bin", "/usr/local/bin", "/etc/alternatives"];

/// What the resolver and the loader read.
pub(super) const SETTINGS: [&str; 9] = [
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
];

/// The devices that do no harm.
pub(super) const DEVICES: [&str; 5] =
    ["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

const NOTHING: Option<&str> = None;

impl Tree {
    /// Builds the tree and makes it the root of this process, for good. Nothing else is left.
    ///
    /// # Errors
    /// A step that the system does not allow, in words.
    pub fn enter(&self) -> Result<(), String> {
        mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)
            .map_err(|error| format!("make mounts private: {error}"))?;
        let empty = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(
            Some("tmpfs"),
            &self.place,
            Some("tmpfs"),
            empty,
            Some("size=1m,nr_inodes=1k,mode=0755"),
        )
        .map_err(|error| format!("mount an empty tree: {error}"))?;
        self.fill()?;
        let place = &self.place;
        remount(place, MsFlags::MS_RDONLY)
            .map_err(tried("make the tree read-only", place))?;
        chdir(place).map_err(|error| format!("enter the tree: {error}"))?;
        // The new root is put on top of the old one, and the old one taken away: pivot_root(2).
        pivot_root(".", ".")
            .map_err(|error| format!("make the tree the root: {error}"))?;
        umount2(".", MntFlags::MNT_DETACH)
            .map_err(|error| format!("take the old root away: {error}"))
    }

    fn fill(&self) -> Result<(), String> {
        let programs: &[&str] = if self.with_programs { &PROGRAMS } else { &[] };
        let system =
            LIBRARIES.iter().chain(SETTINGS.iter()).chain(programs).map(Path::new);
        for path in system {
            self.show(path, path, false)?;
        }
        for (outside, inside) in &self.shown {
            self.show(outside, inside, false)?;
        }
        for (outside, inside) in &self.writable {
            self.show(outside, inside, true)?;
        }
        for device in DEVICES.map(Path::new) {
            self.bind(device, &self.at(device)).map_err(tried("show", device))?;
        }
        let limits = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        let tmp = self.at(Path::new("/tmp"));
        fs::create_dir_all(&tmp)
            .and_then(|()| {
                let size = Some("size=64m,nr_inodes=4k,mode=1777");
                Ok(mount(Some("tmpfs"), &tmp, Some("tmpfs"), limits, size)?)
            })
            .map_err(tried("mount", Path::new("/tmp")))?;
        let proc = self.at(Path::new("/proc"));
        fs::create_dir_all(&proc).map_err(tried("make", Path::new("/proc")))?;
        // Only the processes: the switches of the kernel, /proc/sys, are nobody's business here.
        let (flags, only) = (limits | MsFlags::MS_NOEXEC, Some("subset=pid"));
        mount(Some("proc"), &proc, Some("proc"), flags, only)
            .map_err(|error| format!("mount /proc: {error}"))
    }

    /// Where a path of the tree is while it is being built.
    fn at(&self, inside: &Path) -> PathBuf {
        self.place.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Shows a file, a folder or a link of the outside. What does not exist is left out.
    fn show(&self, outside: &Path, inside: &Path, writable: bool) -> Result<(), String> {
        let target = self.at(inside);
        if !outside.exists() || fs::symlink_metadata(&target).is_ok() {
            return Ok(());
        }
        // /lib is a link to usr/lib on most systems; it stays one.
        let link = fs::read_link(outside).ok().filter(|link| link.is_relative());
        if let Some(link) = link.filter(|_| outside == inside) {
            make_parent(&target).map_err(tried("make", inside))?;
            return symlink(link, &target).map_err(tried("link", inside));
        }
        self.bind(outside, &target).map_err(tried("show", outside))?;
        if !writable {
            remount(&target, MsFlags::MS_RDONLY).map_err(tried("protect", outside))?;
        }
        Ok(())
    }

    fn bind(&self, outside: &Path, target: &Path) -> io::Result<()> {
        if outside.is_dir() {
            fs::create_dir_all(target)?;
        } else {
            make_parent(target)?;
            File::create(target)?;
        }
        mount(
            Some(outside),
            target,
            NOTHING,
            MsFlags::MS_BIND | MsFlags::MS_REC,
            NOTHING,
        )?;
        Ok(())
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Changes the flags of a mount. Those that it has must stay: in a user namespace they are locked
/// (mount_namespaces(7)).
fn remount(target: &Path, more: MsFlags) -> io::Result<()> {
    let there = statvfs(target)?.flags();
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | more | MsFlags::MS_NOSUID;
    for (one, other) in [
        (FsFlags::ST_RDONLY, MsFlags::MS_RDONLY),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        if there.contains(one) {
            flags |= other;
        }
    }
    Ok(mount(NOTHING, target, NOTHING, flags, NOTHING)?)
}

fn tried<E: std::fmt::Display>(what: &str, path: &Path) -> impl Fn(E) -> String {
    move |error| format!("{what} {}: {error}", path.display())
}
