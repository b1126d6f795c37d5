//! wanglou-site
