//! wanglou-engine
