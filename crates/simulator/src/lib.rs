//! wanglou-simulator
