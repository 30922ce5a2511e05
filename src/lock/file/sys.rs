//! Locks of open file descriptions: they belong to the opened file and not to the process, so that closing another
//! descriptor of the same file does not let go of them, and two holders in one process exclude each other too. The
//! kernel lets go of them when the process dies.

use std::fs::File;
use std::io;

/// An exclusive lock if nobody else has one; false if somebody has.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    imp::try_lock(file)
}

/// Blocks the thread until the lock is there.
pub(super) fn lock(file: &File) -> io::Result<()> {
    loop {
        match imp::lock(file) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Lets go of the lock, whatever copies of the descriptor a child may have for a moment.
pub(super) fn unlock(file: &File) -> io::Result<()> {
    imp::unlock(file)
}

/// Whether another open file has the lock. Asking takes nothing.
pub(super) fn is_locked(file: &File) -> io::Result<bool> {
    imp::is_locked(file)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::fs::File;
    use std::io;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    const fn byte(kind: libc::c_int) -> libc::flock {
        let (kind, whence) = (kind as libc::c_short, libc::SEEK_SET as libc::c_short);
        libc::flock { l_type: kind, l_whence: whence, l_start: 0, l_len: 1, l_pid: 0 }
    }

    pub(super) fn try_lock(file: &File) -> io::Result<bool> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&byte(libc::F_WRLCK))) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn lock(file: &File) -> io::Result<()> {
        Ok(fcntl(file, FcntlArg::F_OFD_SETLKW(&byte(libc::F_WRLCK))).map(drop)?)
    }

    pub(super) fn unlock(file: &File) -> io::Result<()> {
        Ok(fcntl(file, FcntlArg::F_OFD_SETLK(&byte(libc::F_UNLCK))).map(drop)?)
    }

    pub(super) fn is_locked(file: &File) -> io::Result<bool> {
        let mut found = byte(libc::F_WRLCK);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
        Ok(libc::c_int::from(found.l_type) != libc::F_UNLCK)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    use std::fs::File;
    use std::io;

    pub(super) fn try_lock(_: &File) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn lock(_: &File) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn unlock(_: &File) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn is_locked(_: &File) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
