use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::FutureExt;
use tokio::time::timeout;

use super::*;
use crate::clock::SystemClock;
use crate::lock::{LockManager, Owner};

const READ: &str = "inverter_read:SA2114G047";
const ONCE: Option<Duration> = Some(Duration::ZERO);
const SOON: Duration = Duration::from_secs(10);

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn locks(&self) -> FileLockManager {
        FileLockManager::open(&self.data(), Arc::new(SystemClock)).unwrap()
    }

    fn backend(&self) -> FileBackend {
        FileBackend::open(&self.data(), Arc::new(SystemClock)).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.data().join("locks/inverter_read%3ASA2114G047.lock")
    }
}

async fn take(locks: &FileLockManager) -> crate::lock::Lease {
    locks.acquire(READ, &Owner::new("test"), ONCE).await.unwrap()
}

#[tokio::test]
async fn directory_and_files_are_their_users_alone_and_stay() {
    let place = Place::new();
    let locks = place.locks();
    take(&locks).await.release().await.unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(place.data()), mode(place.data().join("locks"))), (0o700, 0o700));
    assert_eq!(mode(place.file()), 0o600, "it is never removed");
}

#[tokio::test]
async fn the_file_says_who_holds_it_or_did_last_and_a_fence_that_none_is_above() {
    let place = Place::new();
    let locks = place.locks();
    let lease = take(&locks).await;
    let text = || fs::read_to_string(place.file()).unwrap();
    let (pid, fence) = (std::process::id(), lease.fence());
    let named = format!("{{\"fence\":{fence},\"holder\":{{\"owner\":\"test\",\"pid\":{pid},\"host\":");
    assert!(text().contains(&named), "{}", text());
    lease.release().await.unwrap();
    assert!(text().contains(&named), "{}", text());
    assert_eq!(locks.holder(READ).await, Ok(None));
    let other = locks.acquire(READ, &Owner::new("other"), ONCE).await.unwrap();
    assert!(other.fence() > fence && text().contains("\"owner\":\"other\""), "{}", text());
}

#[tokio::test]
async fn a_file_is_not_written_for_each_of_its_leases() {
    let place = Place::new();
    let locks = place.locks();
    let record = || Record::read(&File::open(place.file()).unwrap()).unwrap().unwrap();
    let (mut written, mut last, mut before) = (0, 0, Record::default());
    for _ in 0..1_000 {
        let lease = take(&locks).await;
        let now = record();
        assert!(lease.fence() > last && lease.fence() <= now.fence);
        last = lease.fence();
        written += u32::from(now != before);
        before = now;
        lease.release().await.unwrap();
        assert_eq!(record(), before);
    }
    assert_eq!(written, 2, "of 1000 leases");
    // Another manager knows nothing of what is reserved, as after a crash.
    assert_eq!(take(&place.locks()).await.fence(), before.fence + 1);
    assert!(take(&locks).await.fence() > before.fence + 1);
}

#[tokio::test]
async fn a_hold_is_revoked_and_not_the_next_one_of_the_same_process() {
    let place = Place::new();
    let (locks, elsewhere) = (place.locks(), place.locks());
    for _ in 0..3 {
        // The last of them writes nothing.
        for _ in 0..3 {
            take(&locks).await.release().await.unwrap();
        }
        let lease = take(&locks).await;
        let (revoked, ()) = tokio::join!(elsewhere.force_release(READ), async {
            timeout(SOON, lease.lost()).await.unwrap();
            assert!(lease.release().await.is_err());
        });
        assert_eq!(revoked, Ok(true));
        let next = take(&locks).await;
        next.confirm().await.unwrap();
        next.release().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_damaged_is_acquired_like_any_other() {
    let place = Place::new();
    for content in [&b""[..], b"not a record", &[0xff; 5_000], b"00000000 {}\n", &[b' '; 2_000]] {
        let locks = place.locks();
        fs::write(place.file(), content).unwrap();
        assert_eq!(locks.is_locked(READ).await, Ok(false));
        let lease = take(&locks).await;
        assert!(lease.fence() > 1_700_000_000_000_000);
        assert!(place.locks().holder(READ).await.unwrap().is_some());
        // Damaged while it is held: it is held all the same, by nobody knows whom.
        File::options().write(true).open(place.file()).unwrap().write_all_at(b"????", 0).unwrap();
        let holder = place.locks().holder(READ).await.unwrap().unwrap();
        assert_eq!((holder.owner.as_str(), holder.pid), ("unknown", 0));
        assert!(place.locks().acquire(READ, &Owner::new("other"), ONCE).await.is_err());
        let revoked = place.locks().force_release(READ).await.unwrap_err();
        assert!(revoked.to_string().ends_with("lock: its content is damaged"), "{revoked}");
        lease.confirm().await.unwrap();
        lease.release().await.unwrap();
    }
}

#[tokio::test]
async fn a_fence_follows_the_last_one_though_the_wall_clock_was_set_back() {
    struct Early;
    impl Clock for Early {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }
    }
    let place = Place::new();
    let lease = take(&place.locks()).await;
    let last = lease.fence();
    lease.release().await.unwrap();
    let locks = FileLockManager::open(&place.data(), Arc::new(Early)).unwrap();
    assert_eq!(take(&locks).await.fence(), last + 1);
}

#[tokio::test]
async fn whoever_died_holds_nothing_whatever_the_file_says() {
    let place = Place::new();
    let locks = place.locks();
    let lease = take(&locks).await;
    let dead = fs::read(place.file()).unwrap();
    lease.release().await.unwrap();
    fs::write(place.file(), dead).unwrap();
    assert_eq!(locks.holder(READ).await, Ok(None));
    assert_eq!(locks.force_release(READ).await, Ok(false));
    drop(take(&locks).await);
}

#[tokio::test]
async fn a_lease_whose_file_was_removed_is_lost() {
    for whole_directory in [false, true] {
        let place = Place::new();
        let locks = place.locks();
        let lease = take(&locks).await;
        lease.confirm().await.unwrap();
        // The one that watches may not have begun yet; that it then looks at once is part of it.
        if whole_directory {
            fs::remove_dir_all(place.data()).unwrap();
        } else {
            fs::remove_file(place.file()).unwrap();
        }
        timeout(SOON, lease.lost()).await.unwrap();
        assert!(lease.confirm().await.is_err() && lease.release().await.is_err());
        let lease = take(&locks).await;
        lease.confirm().await.unwrap();
        // And the directory that was made anew is watched like the old one.
        let elsewhere = place.backend();
        let (revoked, ()) = tokio::join!(elsewhere.revoke_now(READ).map(Result::unwrap), async {
            timeout(SOON, lease.lost()).await.unwrap();
            drop(lease);
        });
        assert!(matches!(revoked, Revoked::LetGo));
    }
}

#[tokio::test]
async fn one_who_waits_for_a_file_that_is_removed_gets_the_one_in_its_place() {
    let place = Place::new();
    let (locks, elsewhere) = (place.locks(), place.locks());
    let lease = take(&locks).await;
    let owner = Owner::new("waiter");
    let mut waiter = elsewhere.acquire(READ, &owner, None);
    assert!((&mut waiter).now_or_never().is_none());
    fs::remove_file(place.file()).unwrap();
    drop(lease);
    let lease = timeout(SOON, waiter).await.unwrap().unwrap();
    assert!(place.file().exists());
    lease.confirm().await.unwrap();
}

#[tokio::test]
async fn one_thread_waits_for_a_resource_and_whoever_waits_next_takes_it_over() {
    let place = Place::new();
    let (holder, backend) = (place.locks(), place.backend());
    let lease = take(&holder).await;
    let owner = Owner::new("waiter");
    let claim = Claim { resource: READ, owner: &owner, once: false, least: 0 };
    for _ in 0..5 {
        assert!(timeout(Duration::from_millis(10), backend.enter(claim)).await.is_err());
        assert_eq!(backend.waiting.threads(), 1);
    }
    let mut waiter = backend.enter(claim);
    assert!((&mut waiter).now_or_never().is_none());
    lease.release().await.unwrap();
    let entered = timeout(SOON, waiter).await.unwrap().unwrap().unwrap();
    assert_eq!(backend.waiting.threads(), 0);
    assert!(holder.acquire(READ, &owner, ONCE).await.is_err());
    entered.leave().await.unwrap();
    drop(take(&holder).await);
}

#[tokio::test]
async fn a_thread_whose_waiters_are_gone_lets_go() {
    let place = Place::new();
    let (holder, elsewhere) = (place.locks(), place.locks());
    for _ in 0..20 {
        let lease = take(&holder).await;
        let owner = Owner::new("waiter");
        drop(elsewhere.acquire(READ, &owner, Some(Duration::from_millis(2))).await.unwrap_err());
        lease.release().await.unwrap();
        // At once: that the thread has it for a moment is no failure of who tries.
        drop(take(&holder).await);
    }
}

#[tokio::test]
async fn the_number_of_threads_is_bounded() {
    let place = Place::new();
    let (holder, backend) = (place.locks(), place.backend());
    let owner = Owner::new("test");
    let mut leases = Vec::new();
    for number in 0..129 {
        let resource = format!("resource:{number}");
        leases.push(holder.acquire(&resource, &owner, ONCE).await.unwrap());
        let claim = Claim { resource: &resource, owner: &owner, once: false, least: 0 };
        let waiting = backend.enter(claim).now_or_never();
        assert_eq!(waiting.is_some(), number == 128);
        if let Some(refused) = waiting {
            let refused = refused.unwrap_err().to_string();
            assert!(refused.ends_with("resource%3A128.lock: 128 threads wait already"), "{refused}");
        }
    }
}

#[test]
fn a_place_that_does_not_do_is_told_with_what_to_do() {
    let place = Place::new();
    let open = || FileLockManager::open(&place.data(), Arc::new(SystemClock)).unwrap_err().to_string();
    fs::write(place.data(), "a file").unwrap();
    assert!(open().ends_with("; move what is there out of the way"), "{}", open());
    fs::remove_file(place.data()).unwrap();
    fs::create_dir(place.data()).unwrap();
    fs::write(place.data().join("locks"), "a file").unwrap();
    assert!(open().ends_with("; move what is there out of the way"), "{}", open());
    fs::remove_file(place.data().join("locks")).unwrap();
    fs::create_dir(place.data().join("locks")).unwrap();
    fs::set_permissions(place.data().join("locks"), fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write everywhere.
    if File::create(place.data().join("locks/trial")).is_err() {
        assert!(open().contains("let the user that this runs as write there"), "{}", open());
    }
    for (error, advice) in [
        (nix::libc::ENOSPC, "; free some space there"),
        (nix::libc::EROFS, "; set data_dir to a directory that can be written"),
        (nix::libc::EACCES, "; let the user that this runs as write there, or set data_dir to another directory"),
        (nix::libc::ENOLCK, "or locks.backend to local"),
        (nix::libc::EOPNOTSUPP, "or locks.backend to local"),
    ] {
        let error = std::io::Error::from_raw_os_error(error);
        let text = NoFileLocks::new("cannot lock", place.data(), error).to_string();
        assert!(text.starts_with("cannot lock /") && text.ends_with(advice), "{text}");
    }
}

#[tokio::test]
async fn a_lock_file_that_cannot_be_one_is_a_failure_and_not_free() {
    let place = Place::new();
    let locks = place.locks();
    fs::create_dir(place.file()).unwrap();
    let refused = locks.acquire(READ, &Owner::new("test"), None).await.unwrap_err();
    assert!(refused.to_string().contains("; move what is there out of the way"), "{refused}");
    assert!(locks.is_locked(READ).await.is_err());
    assert!(locks.force_release(READ).await.is_err());
    let long = "x".repeat(300);
    let refused = locks.acquire(&long, &Owner::new("test"), ONCE).await.unwrap_err();
    assert!(refused.to_string().ends_with("its name is too long for a file"), "{refused}");
}

#[tokio::test]
async fn no_thread_stays_when_the_manager_and_its_leases_are_gone() {
    let threads = || {
        let named = |name: &str| {
            let tasks = fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
            tasks
                .filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name))
                .count()
        };
        named("lock-watch-test")
    };
    let place = Place::new();
    let watch = Watch::new(place.0.path());
    let lock = Directory::open(&place.data()).unwrap().lock(READ).unwrap();
    let Tried::Locked(locked) = lock.try_lock().unwrap() else { panic!("it is free") };
    let grip = Arc::new(Grip { locked, fence: 1, recorded: 1, lost: CancellationToken::new() });
    watch.add_named("lock-watch-test", &READ.into(), &grip).unwrap();
    while threads() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    drop(watch);
    timeout(SOON, async {
        while threads() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_link_in_the_place_of_a_lock_is_called_one() {
    let place = Place::new();
    let locks = place.locks();
    let path = place.data().join("locks/inverter_read%3ASA2114G047.lock");
    std::os::unix::fs::symlink(place.0.path().join("elsewhere"), &path).unwrap();
    let error = locks.acquire(READ, &Owner::new("test"), ONCE).await.unwrap_err().to_string();
    assert!(error.contains(&format!("cannot lock {}: it is a symbolic link", path.display())), "{error}");
}
