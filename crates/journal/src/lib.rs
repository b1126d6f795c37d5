//! wanglou-journal
