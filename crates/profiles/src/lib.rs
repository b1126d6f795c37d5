//! wanglou-profiles
