//! The site folder that `wanglou init` writes: a small compound, commented in both languages, without faults.

use crate::folder::{DEVICES, HOMES, OFFICERS, PEOPLE, PLACES, ROTA, SITE};
use std::collections::BTreeMap;

/// A commented site folder to start from: file name to contents.
///
/// One building with a lift, a manhole cover, a guards' desk and a manager, and a rota without gaps.
/// It checks without errors and without warnings.
pub fn template() -> BTreeMap<String, Vec<u8>> {
    let files: [(&str, &[u8]); 7] = [
        (SITE, include_bytes!("../template/site.toml")),
        (PLACES, include_bytes!("../template/places.csv")),
        (DEVICES, include_bytes!("../template/devices.csv")),
        (OFFICERS, include_bytes!("../template/officers.toml")),
        (ROTA, include_bytes!("../template/rota.toml")),
        (HOMES, include_bytes!("../template/homes.csv")),
        (PEOPLE, include_bytes!("../template/people.toml")),
    ];
    files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
}
