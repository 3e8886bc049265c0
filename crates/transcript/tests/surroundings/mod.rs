//! Surroundings that tests start programs in.

/// For `unshare --user ... sh -c`: starts the program behind it where nobody can make a namespace.
pub const WITHOUT_NAMESPACES: &str =
    "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\"";
