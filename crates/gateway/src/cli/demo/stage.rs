//! Putting the demo together: addresses, configuration, broker, gateway, simulator; and taking it down.

use super::lan::Lan;
use super::shipped::Door;
use super::{Args, broker, shipped, show};
use crate::cli::local::Place;
use crate::cli::run::faults;
use crate::cli::say::tell;
use crate::cli::simulate::{Pace, stopped};
use crate::clock;
use crate::configuration::{self, Loaded};
use crate::run::{RunOptions, Running, start};
use anyhow::{Context, bail};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wanglou_model::{OfficerId, PlaceId, Site, Timestamp};
use wanglou_simulator::publish::{self, Broker, Delivery, Progress, Tempo};
use wanglou_simulator::{Options, Traffic};

/// Demo log-ins: the shift leaders of the guards by day and by night, the police officer, the property manager.
const LOGINS: [&str; 4] = ["wu", "li", "chen", "he"];
/// The gateway is ready within this time, or says why not.
const READY_WITHIN: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// The show's own event comes so long after the demo is ready.
const SHOW_AFTER: Duration = Duration::from_secs(20);

/// The demo from its first line to its last.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let began = Instant::now();
    logs();
    let args = with_ports(args)?;
    let _alone = alone(&args.data)?;
    let lan = Lan::prepare(&args)?;
    let door = match &lan {
        None => Door { listen: args.http, tls: None },
        Some(lan) => Door { listen: lan.app, tls: Some(lan.files.clone()) },
    };
    let config = unpack(&args, &door)?;
    let loaded = load(&config, &door, &args)?;
    let site = loaded.decisive.setup.site.clone();
    let place = Place {
        listen: door.listen,
        data: loaded.folder.join(&loaded.gateway.data),
        certificate: door.tls.map(|(cert, _)| cert),
    };
    let again = place.data.exists();
    broker::start(args.mqtt).await?;
    let mut running = start(loaded, config.clone(), RunOptions::default())
        .await
        .with_context(|| format!("the demo's data is in {}", args.data.display()))?;
    ready(&place).await;
    tell!(
        "{} in {:.1} s",
        if again { "ready, going on where the last demo ended," } else { "ready" },
        began.elapsed().as_secs_f64()
    );
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let told = async {
        if let Some(lan) = &lan {
            lan.serve(stopping).await?;
        }
        tell(&args, lan.as_ref(), &config, &site, &place).await
    };
    let ended = match told.await {
        Ok(()) => perform(&args, &site, &mut running).await,
        Err(error) => Err(error),
    };
    let _ = stop.send(true);
    tell!("\nstopping");
    running.stop().await?;
    tell!("stopped; the next start with --data {} goes on here", args.data.display());
    ended
}

/// In a demo nobody has a phone yet and the broker has forgotten everything: neither is worth a warning. The broker's
/// own chatter is of no use either.
const CALM: &str = "warn,rumqttd=off,wanglou_gateway::health=error,wanglou_gateway::mqtt::connection=error,wanglou_gateway::writer::step=error";

/// Only what should not be in a demo; RUST_LOG decides otherwise.
fn logs() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(CALM));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Somebody who embeds the demo may have set up logs of their own; theirs stay.
    let _ = builder.with_ansi(false).try_init();
}

/// The arguments with free ports in them, or an error that names the option. Port 0 is any free one.
fn with_ports(args: Args) -> anyhow::Result<Args> {
    // With --lan its port is taken at another address.
    let http = if args.lan.is_some() { args.http } else { free(args.http, "--http", "a web app")? };
    let mqtt = free(args.mqtt, "--mqtt", "a broker")?;
    Ok(Args { http, mqtt, ..args })
}

fn free(address: SocketAddr, option: &str, what: &str) -> anyhow::Result<SocketAddr> {
    if !address.ip().is_loopback() {
        bail!(
            "{option} {address}: the demo is for this machine alone; use an address of loopback, such as 127.0.0.1:{}",
            address.port()
        );
    }
    let bound = std::net::TcpListener::bind(address).with_context(|| {
        let other = SocketAddr::new(address.ip(), address.port().wrapping_add(1_000).max(1_024));
        format!("{address} is taken: {what} or another demo is running there. Stop it, or choose another address, such as {option} {other}")
    })?;
    Ok(bound.local_addr()?)
}

/// No second demo writes into the same folder: not even its configuration. Held until the process ends.
fn alone(data: &Path) -> anyhow::Result<std::fs::File> {
    let cannot = || format!("{} cannot be used; choose another directory with --data", data.display());
    std::fs::create_dir_all(data).with_context(cannot)?;
    let lock = std::fs::File::create(data.join("demo.lock")).with_context(cannot)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!(
                "{} belongs to a demo that is running; stop it, or give this one a directory of its own with --data",
                data.display()
            )
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(cannot),
    }
}

fn unpack(args: &Args, door: &Door) -> anyhow::Result<PathBuf> {
    let folder = args.data.join("config");
    let unpacked = shipped::unpack(&folder, &shipped::files(door, args.mqtt))?;
    for kept in unpacked.kept {
        tell!("{} was changed and is kept", kept.display());
    }
    Ok(folder.join(shipped::GATEWAY))
}

/// The configuration, with the addresses of this start whatever its file says.
fn load(config: &Path, door: &Door, args: &Args) -> anyhow::Result<Loaded> {
    let mut loaded = configuration::load(config).map_err(faults)?;
    let gateway = &mut loaded.gateway;
    gateway.http.listen = door.listen;
    gateway.http.public_url = door.origin();
    (gateway.http.tls_cert, gateway.http.tls_key) = door.tls.clone().unzip();
    gateway.http.serve_metrics &= door.listen.ip().is_loopback();
    gateway.mqtt.host = args.mqtt.ip().to_string();
    gateway.mqtt.port = args.mqtt.port();
    Ok(loaded)
}

/// Waits until the gateway counts itself as ready; if it does not, it says why and goes on all the same.
async fn ready(place: &Place) {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let reasons = match readiness(place).await {
            Ok(None) => return,
            Ok(Some(reasons)) => reasons,
            Err(error) => error.to_string(),
        };
        if Instant::now() > deadline {
            tell!("not ready after {} s: {reasons}", READY_WITHIN.as_secs());
            return;
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

/// `None` when it is ready, else why not.
async fn readiness(place: &Place) -> anyhow::Result<Option<String>> {
    let response = place.client()?.get(format!("{}/readyz", place.origin())).send().await?;
    if response.status().is_success() {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&response.bytes().await?).into_owned()))
}

/// Addresses, log-ins, and what to try.
async fn tell(
    args: &Args,
    lan: Option<&Lan>,
    config: &Path,
    site: &Site,
    place: &Place,
) -> anyhow::Result<()> {
    let program = program();
    let origin = place.origin();
    tell!("\n  web app   {origin}");
    if place.listen.ip().is_loopback() {
        tell!("  metrics   {origin}/metrics");
    }
    tell!("  broker    {}", args.mqtt);
    tell!(
        "  files     {}\n\nLog in with one of these links, each in a browser (or profile) of its own; each works once:",
        config.parent().unwrap_or(config).display()
    );
    for (id, officer) in LOGINS.iter().filter_map(|id| site.officers.get_key_value(*id)) {
        let body = serde_json::json!({"officer": id});
        let answer = place.post("/api/local/enrol", &body).await?;
        let roles: Vec<&str> = officer.roles.iter().map(|role| role.name()).collect();
        let duty = if on_duty(site, id, clock::wall()) { "on duty now" } else { "off duty now" };
        tell!(
            "  {:<5} {:<9} {duty:<13} {}",
            id.as_str(),
            roles.join(", "),
            answer["link"].as_str().unwrap_or_default()
        );
    }
    if let Some(lan) = lan {
        // Whoever is on duty is called by what there is to try.
        let officer =
            LOGINS.iter().find(|id| OfficerId::parse(id).is_ok_and(|id| on_duty(site, &id, clock::wall())));
        let officer = officer.unwrap_or(&LOGINS[0]);
        let answer = place.post("/api/local/enrol", &serde_json::json!({"officer": officer})).await?;
        lan.tell(officer, answer["link"].as_str().unwrap_or_default())?;
    }
    tell!("\nThree things to try:");
    for (number, one) in show::things(site).iter().enumerate() {
        tell!("  {}. {}\n     {}", number + 1, one.words, one.command(&program, args.mqtt));
    }
    tell!(
        "Or a test through the whole ladder:\n     {} test-alarm --config {} --place {}",
        program.display(),
        config.display(),
        show::LIFT
    );
    tell!("\nCtrl-C ends everything.");
    Ok(())
}

/// How this program is called from here.
fn program() -> PathBuf {
    let Ok(path) = std::env::current_exe() else { return "wanglou".into() };
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        // A shell looks a bare name up on its path, and not here.
        Ok(below) if below.components().count() == 1 => Path::new(".").join(below),
        Ok(below) => below.to_path_buf(),
        Err(_) => path,
    }
}

fn on_duty(site: &Site, id: &OfficerId, at: Timestamp) -> bool {
    let always = site.officers.get(id).is_some_and(|officer| officer.always_on_duty);
    let local =
        jiff::Timestamp::from_microsecond(at.0).ok().and_then(|instant| instant.in_tz(&site.zone).ok());
    let rota = local.is_some_and(|local| {
        let weekday = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or_default();
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        site.rota.is_on_duty(id, weekday, u16::try_from(minute).unwrap_or_default())
    });
    always || rota
}

/// Traffic and show, until Ctrl-C or until something fails.
async fn perform(args: &Args, site: &Site, running: &mut Running) -> anyhow::Result<()> {
    let (stop, _) = tokio::sync::watch::channel(false);
    let told = || {
        let mut stopping = stop.subscribe();
        async move { drop(stopping.wait_for(|stop| *stop).await) }
    };
    // Whoever wants nothing but what they publish is not rung by a show.
    let opened = match args.pace {
        Pace::Off => None,
        Pace::Times(_) => show::opening(site, clock::wall()),
    };
    let traffic = traffic_of(args, site, opened.as_ref().map(|(place, _)| place))?;
    let mut traffic = tokio::spawn(simulate(traffic, client(args, "simulator"), args.pace, told()));
    let show = tokio::spawn(opening(opened, client(args, "show")));
    let stopped = stopped();
    tokio::pin!(stopped);
    let mut simulated = false;
    let ended = loop {
        tokio::select! {
            () = &mut stopped => break Ok(()),
            failed = running.failed() => break Err(failed.into()),
            ended = &mut traffic, if !simulated => {
                simulated = true;
                if let Err(error) = ended.context("the simulator").and_then(|ended| ended) {
                    tell!("the simulator has ended: {error:#}");
                }
            }
        }
    };
    show.abort();
    let _ = stop.send(true);
    if !simulated && tokio::time::timeout(Duration::from_secs(3), &mut traffic).await.is_err() {
        traffic.abort();
    }
    ended
}

fn client(args: &Args, role: &str) -> Broker {
    let (host, port) = (args.mqtt.ip().to_string(), args.mqtt.port());
    Broker { host, port, login: None, client_id: format!("wanglou-demo-{role}") }
}

fn traffic_of(args: &Args, site: &Site, show: Option<&PlaceId>) -> anyhow::Result<Option<Traffic>> {
    let Pace::Times(pace) = args.pace else { return Ok(None) };
    let mut options = Options::live(args.seed, clock::wall(), pace);
    options.left_alone.extend(show::left_alone(site).chain(show.cloned()));
    Ok(Some(Traffic::new(site, options)?))
}

/// The compound's day, or nothing at all.
async fn simulate(
    traffic: Option<Traffic>,
    broker: Broker,
    pace: Pace,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (Some(traffic), Pace::Times(pace)) = (traffic, pace) else {
        stop.await;
        return Ok(());
    };
    let progress = Arc::new(Progress::default());
    publish::run(&broker, traffic, Tempo::Pace(pace), None, clock::wall, &progress, stop).await?;
    Ok(())
}

/// A little later a cover opens, so that there is something to see whatever the hour.
async fn opening(cover: Option<(PlaceId, wanglou_simulator::Message)>, broker: Broker) {
    let Some((place, message)) = cover else { return };
    tell!("\nIn {} s {place} opens by itself: part of the show.", SHOW_AFTER.as_secs());
    tokio::time::sleep(SHOW_AFTER).await;
    match publish::once(&broker, message, Delivery::AtLeastOnce).await {
        Ok(()) => tell!("{place} is open now: look at the list."),
        Err(error) => tell!("the show's cover did not open: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_names_its_option() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("its address");
        let error = free(address, "--mqtt", "a broker").expect_err("taken").to_string();
        assert!(
            error.contains(&address.to_string()) && error.contains("such as --mqtt 127.0.0.1:"),
            "{error}"
        );
        drop(taken);
        assert_eq!(free(address, "--mqtt", "a broker").expect("free again"), address);
    }

    #[test]
    fn one_folder_serves_one_demo() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = alone(folder.path()).expect("nobody is there");
        let error = alone(folder.path()).expect_err("taken").to_string();
        assert!(error.contains("--data"), "{error}");
        drop(first);
        alone(folder.path()).expect("free again");
    }

    #[test]
    fn only_this_machine_sees_the_demo() {
        let error = free(SocketAddr::from(([0, 0, 0, 0], 8080)), "--http", "a web app").expect_err("refused");
        assert!(error.to_string().contains("loopback"), "{error}");
    }

    #[test]
    fn shift_leaders_are_on_duty_by_turns() {
        let site = wanglou_site::Compound::check(&shipped::demo_site()).expect("no faults").site;
        // Monday 2 March 2026, 09:00 and 21:00 in Shanghai.
        let [morning, night] = [1_772_413_200_000, 1_772_456_400_000].map(Timestamp::from_millis);
        let duty = |id: &str, at| on_duty(&site, &OfficerId::parse(id).expect("an id"), at);
        assert_eq!((duty("wu", morning), duty("li", morning)), (true, false));
        assert_eq!((duty("wu", night), duty("li", night)), (false, true));
        assert!(duty("he", night), "always on duty");
    }
}
