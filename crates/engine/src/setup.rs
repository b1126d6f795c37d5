//! What the engine is given: one compound and its rules, checked, with what follows from them computed once.

use crate::calendar::Calendar;
use crate::overrides::{OverrideError, Overrides};
use crate::routing_settings;
use crate::rules::RuleSettings;
use crate::seen::DeviceList;
use crate::table::Table;
use crate::trial;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wanglou_model::{Channel, Device, DeviceId, Observation, PlaceId, Site};

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The site's zone is not in the bundled zone data.
    #[error("{zone:?} is not an IANA time zone")]
    UnknownZone {
        /// As written.
        zone: String,
    },
    /// An override in `rules.toml` makes no sense.
    #[error("{0}")]
    Override(#[from] OverrideError),
    /// A ladder of the site's own is wrong.
    #[error("{fault}")]
    Ladder {
        /// Which, and in what way.
        fault: String,
    },
}

/// Everything that the engine reads and never writes.
#[derive(Debug)]
pub struct Setup {
    /// The compound.
    pub site: Site,
    /// Thresholds and times of the rules.
    pub rules: RuleSettings,
    /// Where and when they are other.
    pub overrides: Overrides,
    /// The content hash of the files that this was made of; frozen into each alarm.
    pub hash: String,
    /// Channels, beside the socket, that the gateway can use.
    pub channels: Vec<Channel>,
    /// Texts for groups outside, by name.
    pub bulletins: BTreeSet<String>,
    /// Local time of the compound.
    pub calendar: Calendar,
    /// Devices behind each hub.
    pub behind: BTreeMap<DeviceId, Vec<DeviceId>>,
    /// Devices on probation beside a trusted one: alive or not, but not believed.
    pub unheard: BTreeSet<DeviceId>,
    /// By profile, then by the vendor's identity.
    identities: Table<String, Table<String, Registered>>,
    /// Their numbers.
    pub(crate) devices: Arc<DeviceList>,
}

/// A device that messages can be of.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) id: DeviceId,
    pub(crate) device: Arc<Device>,
    pub(crate) number: u32,
    /// The registered home that it is in.
    pub(crate) home: Option<PlaceId>,
}

impl Setup {
    /// Takes a checked site and its rules.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(
        site: Site,
        rules: RuleSettings,
        hash: String,
        channels: Vec<Channel>,
    ) -> Result<Self, SetupError> {
        let calendar =
            Calendar::new(&site.zone).ok_or_else(|| SetupError::UnknownZone { zone: site.zone.clone() })?;
        if let Some(fault) = routing_settings::fault(&rules.ladder) {
            return Err(SetupError::Ladder { fault });
        }
        let mut behind: BTreeMap<DeviceId, Vec<DeviceId>> = BTreeMap::new();
        for (id, device) in &site.devices {
            if let Some(hub) = &device.hub {
                behind.entry(hub.clone()).or_default().push(id.clone());
            }
        }
        let devices = Arc::new(DeviceList::of(&site));
        let identities = identities(&site, &devices);
        let unheard = trial::unheard(&site);
        let overrides = Overrides::new(&rules, &site)?;
        let bulletins = BTreeSet::new();
        Ok(Self {
            overrides,
            unheard,
            site,
            rules,
            hash,
            channels,
            bulletins,
            calendar,
            behind,
            identities,
            devices,
        })
    }

    /// The device that an observation is of, if it is registered.
    pub fn device_of(&self, said: &Observation) -> Option<(&DeviceId, &Device)> {
        self.registered(said).map(|known| (&known.id, &*known.device))
    }

    pub(crate) fn registered(&self, said: &Observation) -> Option<&Registered> {
        self.identities.get(&*said.profile)?.get(said.device.as_str())
    }
}

fn identities(site: &Site, devices: &DeviceList) -> Table<String, Table<String, Registered>> {
    let mut all: Table<String, Table<String, Registered>> = Table::default();
    for (profile, known) in &site.identities {
        let of_profile = all.entry(profile);
        for (identity, id) in known {
            // The id of the registry's own key: what is the same in memory need not be read to be compared.
            if let Some(((id, device), number)) = site.devices.get_key_value(id).zip(devices.number(id)) {
                let (device, home) = (Arc::clone(device), home_of(site, &device.place).cloned());
                of_profile.insert(identity.clone(), Registered { id: id.clone(), device, number, home });
            }
        }
    }
    all
}

/// The registered home that a place is, or lies in.
pub(crate) fn home_of<'a>(site: &'a Site, place: &PlaceId) -> Option<&'a PlaceId> {
    match site.homes.get_key_value(place) {
        Some((home, _)) => Some(home),
        None => home_of(site, &place.parent()?),
    }
}
