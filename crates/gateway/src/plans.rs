//! Plans of the compound: SVG files in the site's folder `plans/`, and `plans/pins.csv`, which says where on them places
//! are. They decide nothing about alarms and are no part of the journaled configuration: whoever goes there looks at them.
//!
//! A plan is only ever shown as a picture, where browsers run no script in it and load nothing for it; the answer that
//! carries it forbids both again.

use crate::configuration::Fault;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use wanglou_model::{PlaceId, Site};

/// The folder in a site's folder.
const FOLDER: &str = "plans";
/// Where places are.
const PINS: &str = "pins.csv";
/// The largest plan, bytes.
pub const PLAN_BYTES_MAX: u64 = 1 << 20;
/// The largest list of pins, bytes.
const PINS_BYTES_MAX: u64 = 4 << 20;
/// The longest name of a plan, characters.
const NAME_CHARS_MAX: usize = 60;

/// Where a place is on a plan: parts of its width from the left, of its height from the top, 0 to 1.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Pin {
    /// The plan's name: its file without the end.
    pub plan: String,
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// The plans of one site.
#[derive(Debug)]
pub struct Plans {
    folder: PathBuf,
    pins: RwLock<Arc<BTreeMap<PlaceId, Pin>>>,
}

impl Plans {
    /// What the site's folder has now. What is wrong with it, [`check`] says; such lines are left out.
    pub fn open(site_folder: &Path) -> Self {
        let folder = site_folder.join(FOLDER);
        let (pins, _) = read(&folder);
        Self {
            folder,
            pins: RwLock::new(Arc::new(pins.into_iter().map(|(_, place, pin)| (place, pin)).collect())),
        }
    }

    /// Reads the list of pins again.
    pub fn read_again(&self) {
        let (pins, _) = read(&self.folder);
        let pins = Arc::new(pins.into_iter().map(|(_, place, pin)| (place, pin)).collect());
        *self.pins.write().unwrap_or_else(PoisonError::into_inner) = pins;
    }

    /// Where a place is, or else the nearest place around it that is on a plan.
    pub fn pin(&self, place: &PlaceId) -> Option<Pin> {
        let pins = Arc::clone(&self.pins.read().unwrap_or_else(PoisonError::into_inner));
        std::iter::successors(Some(place.clone()), PlaceId::parent)
            .find_map(|place| pins.get(&place).cloned())
    }

    /// A plan's bytes, if there is such a plan and it is an SVG of ordinary size.
    pub fn svg(&self, name: &str) -> Option<Vec<u8>> {
        let file = file(&self.folder, name).ok()?;
        std::fs::read(file).ok()
    }
}

/// The file of a plan, which is there and of ordinary size.
fn file(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(fit) {
        return Err(format!("{name:?} is no name of a plan: letters, digits, - and _"));
    }
    let file = folder.join(format!("{name}.svg"));
    match std::fs::metadata(&file) {
        Ok(found) if found.len() > PLAN_BYTES_MAX => Err(format!("{} is larger than 1 MiB", file.display())),
        Ok(_) => Ok(file),
        Err(error) => Err(format!("{} cannot be read: {error}", file.display())),
    }
}

/// Everything that is wrong with the plans of a site. None at all are not wrong.
pub fn check(site_folder: &Path, site: &Site) -> Vec<Fault> {
    let folder = site_folder.join(FOLDER);
    let name = folder.join(PINS).display().to_string();
    let (pins, mut faults) = read(&folder);
    let mut plans: BTreeMap<&str, u32> = BTreeMap::new();
    for (line, place, pin) in &pins {
        if !site.places.contains_key(place) {
            let text = format!("there is no place {:?} in places.csv", place.as_str());
            faults.push(Fault::error(&name, "place", Some(*line), text));
        }
        plans.entry(&pin.plan).or_insert(*line);
    }
    for (plan, line) in plans {
        if let Err(text) = file(&folder, plan) {
            faults.push(Fault::error(&name, "plan", Some(line), text));
        }
    }
    faults
}

/// The lines that can be read, with their numbers, and what is wrong with the others.
fn read(folder: &Path) -> (Vec<(u32, PlaceId, Pin)>, Vec<Fault>) {
    let file = folder.join(PINS);
    let name = file.display().to_string();
    let large = std::fs::metadata(&file).is_ok_and(|found| found.len() > PINS_BYTES_MAX);
    if large {
        return (Vec::new(), vec![Fault::error(&name, "", None, "is larger than 4 MiB")]);
    }
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (Vec::new(), Vec::new()),
        Err(error) => {
            return (Vec::new(), vec![Fault::error(&name, "", None, format!("cannot be read: {error}"))]);
        }
    };
    let (mut pins, mut faults) = (Vec::new(), Vec::new());
    for (number, line) in (1u32..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("place,") {
            continue;
        }
        match parse(line) {
            Ok((place, pin)) => pins.push((number, place, pin)),
            Err(text) => faults.push(Fault::error(&name, "", Some(number), text)),
        }
    }
    (pins, faults)
}

fn parse(line: &str) -> Result<(PlaceId, Pin), String> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let [place, plan, x, y] = cells[..] else {
        return Err("a line has four parts: place,plan,x,y".into());
    };
    let place = PlaceId::parse(place).map_err(|error| error.to_string())?;
    let part = |text: &str| text.parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part));
    let (x, y) = part(x).zip(part(y)).ok_or("x and y are parts of the whole, from 0 to 1, such as 0.41")?;
    Ok((place, Pin { plan: plan.to_owned(), x, y }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/sites/demo");
        let files = wanglou_site::read_folder(&demo).expect("the demo site");
        wanglou_site::Compound::check(&files).expect("no faults").site
    }

    fn place(id: &str) -> PlaceId {
        PlaceId::parse(id).expect("an id")
    }

    #[test]
    fn the_demo_s_plans_have_no_faults_and_show_places_and_what_is_in_them() {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/sites/demo");
        assert_eq!(check(&demo, &site()), []);
        let plans = Plans::open(&demo);
        assert_eq!(plans.pin(&place("3/2/lift-B")).map(|pin| pin.plan), Some("tower".into()));
        assert_eq!(plans.pin(&place("3/2/5F")), plans.pin(&place("3")), "where the place around it is");
        assert!(plans.svg("ground").is_some_and(|svg| svg.starts_with(b"<svg")));
    }

    #[test]
    fn a_name_leads_to_no_other_file() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(FOLDER)).expect("made");
        std::fs::write(folder.path().join("secret.svg"), "<svg/>").expect("written");
        let plans = Plans::open(folder.path());
        for name in ["../secret", "secret", "", "a/b", ".", "pins.csv\0"] {
            assert_eq!(plans.svg(name), None, "{name:?}");
        }
        std::fs::write(folder.path().join(FOLDER).join("big.svg"), vec![b' '; (1 << 20) + 1])
            .expect("written");
        assert_eq!(plans.svg("big"), None, "too large");
    }

    #[test]
    fn each_wrong_line_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(FOLDER)).expect("made");
        let text = "place,plan,x,y\n3,ground,0.5,0.5\n3,ground,0.5\n3,ground,2,0\nnowhere,ground,0,0\n";
        std::fs::write(folder.path().join(FOLDER).join(PINS), text).expect("written");
        let faults = check(folder.path(), &site());
        let lines: Vec<_> = faults.iter().map(|fault| (fault.line, fault.message.clone())).collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[0].0 == Some(3) && lines[0].1.contains("four parts"));
        assert!(lines[1].0 == Some(4) && lines[1].1.contains("from 0 to 1"));
        assert!(lines[2].0 == Some(5) && lines[2].1.contains("no place \"nowhere\""));
        assert!(lines[3].0 == Some(2) && lines[3].1.contains("ground.svg cannot be read"));
    }
}
