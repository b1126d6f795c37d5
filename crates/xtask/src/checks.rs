//! Checks that need no compiler: what the sources may and may not say.

pub(crate) mod files;
pub(crate) mod licences;
pub(crate) mod paths;
pub(crate) mod purity;
pub(crate) mod readme;
mod spdx;
