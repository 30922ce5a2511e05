use redis::Cmd;

/// A Lua script that Redis runs, with the hash that Redis knows it by.
pub struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    /// From its text.
    pub fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    pub(super) fn by_hash(&self, keys: &[&str], args: &[&str]) -> Cmd {
        command("EVALSHA", &self.hash, keys, args)
    }

    /// Redis then knows the hash too.
    pub(super) fn by_text(&self, keys: &[&str], args: &[&str]) -> Cmd {
        command("EVAL", self.text, keys, args)
    }
}

fn command(name: &str, script: &str, keys: &[&str], args: &[&str]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys).arg(args);
    command
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script").field("hash", &self.hash).finish_non_exhaustive()
    }
}
