//! What must happen on a connection when nothing else does. A pure table of instants: the loop sleeps until
//! [`Timers::next`] and asks [`Timers::due`] what it is time for.
//!
//! | timer | for |
//! |---|---|
//! | ping | the broker must know that we live, also while we do not read |
//! | silent | an unanswered ping: the path is dead though nobody closed it |
//! | marker | shows that the path carries messages, and when the backlog is behind us |
//! | quiet | neither message nor marker: connected, but nothing gets through |
//! | suback | a SUBSCRIBE that stays unanswered |

use std::time::Duration;
use tokio::time::Instant;

/// It is time for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    Silent,
    Marker,
    Quiet,
    NoSuback,
}

/// How long each timer runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intervals {
    pub(super) keep_alive: Duration,
    pub(super) marker_every: Duration,
    pub(super) quiet_after: Duration,
    pub(super) suback_timeout: Duration,
}

/// The state of one connection's timers.
#[derive(Debug)]
pub(super) struct Timers {
    every: Intervals,
    ping_at: Instant,
    /// When the oldest ping went out after which nothing has been read.
    pinged: Option<Instant>,
    /// When a message or marker last came in.
    heard: Instant,
    marker_sent: Instant,
    suback_by: Option<Instant>,
    subscribed: bool,
    drained: bool,
    quiet: bool,
    /// We do not read: silence is our own doing.
    paused: bool,
}

impl Timers {
    /// A connection that has just sent its SUBSCRIBE.
    pub(super) fn new(every: Intervals, now: Instant) -> Timers {
        Timers {
            every,
            ping_at: now + every.keep_alive,
            pinged: None,
            heard: now,
            marker_sent: now,
            suback_by: Some(now + every.suback_timeout),
            subscribed: false,
            drained: false,
            quiet: false,
            paused: false,
        }
    }

    /// All subscriptions are granted, and the first marker goes out.
    pub(super) fn subscribed(&mut self, now: Instant) {
        self.suback_by = None;
        self.subscribed = true;
        self.heard = now;
        self.marker_sent = now;
    }

    /// Bytes of whatever kind came in.
    pub(super) fn read(&mut self) {
        self.pinged = None;
    }

    /// A message or marker came in. True if the path was quiet until now.
    pub(super) fn message(&mut self, now: Instant) -> bool {
        self.heard = now;
        std::mem::take(&mut self.quiet)
    }

    /// Our marker came back. True if it is the first of this connection.
    pub(super) fn marker_back(&mut self) -> bool {
        !std::mem::replace(&mut self.drained, true)
    }

    pub(super) fn keep_alive(&self) -> Duration {
        self.every.keep_alive
    }

    /// We stop reading, or read again. Only pings go on meanwhile; what we did not read was not silence.
    pub(super) fn pause(&mut self, paused: bool, now: Instant) {
        if self.paused && !paused {
            self.heard = now;
            self.pinged = self.pinged.map(|_| now);
            self.suback_by = self.suback_by.map(|_| now + self.every.suback_timeout);
        }
        self.paused = paused;
    }

    /// When to ask again. May have moved later meanwhile, never earlier but by `subscribed` and `due`.
    pub(super) fn next(&self) -> Instant {
        let when = |due| self.at(due);
        [Due::Silent, Due::Marker, Due::Quiet, Due::NoSuback]
            .into_iter()
            .filter_map(when)
            .fold(self.ping_at, Instant::min)
    }

    /// One thing that is due, and marked as done by this. Ask until there is none.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        let order = [Due::Silent, Due::NoSuback, Due::Quiet, Due::Marker, Due::Ping];
        let due = order.into_iter().find(|due| self.at(*due).is_some_and(|at| at <= now))?;
        match due {
            Due::Ping => {
                self.ping_at = now + self.every.keep_alive;
                self.pinged = self.pinged.or(Some(now));
            }
            Due::Marker => self.marker_sent = now,
            Due::Quiet => self.quiet = true,
            Due::NoSuback => self.suback_by = None,
            Due::Silent => self.pinged = None,
        }
        Some(due)
    }

    fn at(&self, due: Due) -> Option<Instant> {
        match due {
            Due::Ping => Some(self.ping_at),
            Due::Silent => self.pinged.filter(|_| !self.paused).map(|at| at + self.every.keep_alive),
            Due::NoSuback => self.suback_by.filter(|_| !self.paused),
            Due::Quiet => {
                (self.subscribed && !self.quiet && !self.paused).then(|| self.heard + self.every.quiet_after)
            }
            Due::Marker => {
                // The first is repeated under traffic too: a full queue at the broker may have dropped it.
                let since = if self.drained { self.marker_sent.max(self.heard) } else { self.marker_sent };
                (self.subscribed && !self.paused).then(|| since + self.every.marker_every)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn timers() -> (Timers, Instant) {
        let now = Instant::now();
        let every =
            Intervals { keep_alive: 4 * S, marker_every: 5 * S, quiet_after: 10 * S, suback_timeout: 7 * S };
        (Timers::new(every, now), now)
    }

    fn subscribed() -> (Timers, Instant) {
        let (mut timers, start) = timers();
        timers.subscribed(start);
        (timers, start)
    }

    /// Runs until the second `until`, reading an answer to each ping if the broker `lives`; what was due when.
    fn run(timers: &mut Timers, start: Instant, until: u32, lives: bool) -> Vec<(u64, Due)> {
        let mut seen = Vec::new();
        while timers.next() <= start + until * S {
            let now = timers.next();
            while let Some(due) = timers.due(now) {
                seen.push(((now - start).as_secs(), due));
            }
            if lives {
                timers.read();
            }
        }
        seen
    }

    #[test]
    fn an_unanswered_ping_is_noticed_within_twice_the_keep_alive() {
        let (mut timers, start) = subscribed();
        let seen = run(&mut timers, start, 8, false);
        assert_eq!(seen, [(4, Due::Ping), (5, Due::Marker), (8, Due::Silent), (8, Due::Ping)]);
    }

    #[test]
    fn a_living_broker_that_carries_nothing_is_quiet_after_ten_seconds_and_once() {
        let (mut timers, start) = subscribed();
        let seen = run(&mut timers, start, 30, true);
        let quiet: Vec<_> = seen.into_iter().filter(|(_, due)| *due == Due::Quiet).collect();
        assert_eq!(quiet, [(10, Due::Quiet)]);
        assert!(timers.message(start + 31 * S), "heard again");
        assert!(!timers.message(start + 31 * S));
    }

    #[test]
    fn traffic_saves_markers_once_drained_but_not_before() {
        let (mut timers, start) = subscribed();
        timers.message(start + 4 * S);
        assert_eq!(timers.at(Due::Marker), Some(start + 5 * S));
        assert!(timers.marker_back());
        assert!(!timers.marker_back());
        assert_eq!(timers.at(Due::Marker), Some(start + 9 * S));
    }

    #[test]
    fn a_subscribe_without_answer_is_noticed_and_no_marker_goes_out_before_it() {
        let (mut timers, start) = timers();
        let seen = run(&mut timers, start, 7, true);
        assert_eq!(seen, [(4, Due::Ping), (7, Due::NoSuback)]);
    }

    #[test]
    fn while_we_do_not_read_only_pings_go_on_and_silence_starts_anew_afterwards() {
        let (mut timers, start) = subscribed();
        timers.pause(true, start);
        let seen = run(&mut timers, start, 100, false);
        assert_eq!(seen.len(), 25);
        assert!(seen.iter().all(|(_, due)| *due == Due::Ping), "{seen:?}");
        timers.pause(false, start + 101 * S);
        assert_eq!(timers.at(Due::Silent), Some(start + 105 * S));
        assert_eq!(timers.at(Due::Quiet), Some(start + 111 * S));
    }
}
