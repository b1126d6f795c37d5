//! How often what happens in the compound on a day, and at which hours.

use crate::random::Random;
use wanglou_model::Span;

/// The hours of a day by how much happens in them; only the proportions count.
#[derive(Debug)]
pub(crate) struct Rhythm(pub(crate) [f64; 24]);

impl Rhythm {
    /// A moment of the day, counted from its midnight.
    pub(crate) fn moment(&self, random: &mut Random) -> Span {
        let mut rest = random.unit() * self.0.iter().sum::<f64>();
        let mut hour = 23;
        for (at, weight) in self.0.iter().enumerate() {
            if rest < *weight {
                hour = at;
                break;
            }
            rest -= weight;
        }
        Span::hours(hour as i64) + random.seconds(0.0, 3_600.0)
    }

    /// `n` moments in order.
    pub(crate) fn moments(&self, n: usize, random: &mut Random) -> Vec<Span> {
        let mut all: Vec<Span> = (0..n).map(|_| self.moment(random)).collect();
        all.sort();
        all
    }
}

/// Lifts, doors, lobbies: out in the morning, back in the evening.
pub(crate) const COMING_AND_GOING: Rhythm = Rhythm([
    1.0, 0.5, 0.3, 0.3, 0.5, 2.0, 7.0, 11.0, 8.5, 5.0, 4.0, 5.0, 5.0, 4.0, 3.5, 4.0, 5.0, 8.0, 10.0, 8.0,
    7.0, 5.0, 3.0, 1.5,
]);
/// E-bikes come home to be charged upstairs from half past four on.
pub(crate) const EBIKES: Rhythm = Rhythm([
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.2, 0.0, 0.0, 0.3, 0.3, 0.0, 0.0, 0.0, 1.0, 2.5, 3.0, 2.5, 2.0,
    1.5, 0.3, 0.0,
]);
/// Awake at home.
pub(crate) const AWAKE: Rhythm = Rhythm([
    0.3, 0.3, 0.3, 0.3, 0.5, 2.0, 5.0, 5.0, 4.0, 3.0, 4.0, 5.0, 4.0, 2.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 4.0,
    3.0, 1.0, 0.5,
]);
/// What moves past a façade: birds, laundry, leaves, and things that fall.
pub(crate) const FACADES: Rhythm = Rhythm([
    0.3, 0.2, 0.2, 0.2, 0.5, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 4.0, 4.0, 5.0, 5.0, 5.0, 5.0, 4.0, 3.0, 3.0,
    2.0, 1.0, 0.5,
]);
/// Kitchens, with a remainder at night.
pub(crate) const SMOKE: Rhythm = Rhythm([
    0.5, 0.4, 0.3, 0.3, 0.3, 0.5, 1.5, 1.5, 0.7, 0.7, 1.5, 3.0, 1.5, 0.7, 0.7, 0.7, 1.5, 3.5, 3.0, 1.5, 1.0,
    1.0, 0.7, 0.6,
]);
/// Trucks over covers.
pub(crate) const LORRIES: Rhythm = Rhythm([
    0.2, 0.2, 0.2, 0.3, 1.0, 3.0, 4.0, 3.0, 3.0, 4.0, 4.0, 3.0, 2.0, 3.0, 4.0, 4.0, 3.0, 2.0, 1.0, 1.0, 0.5,
    0.5, 0.3, 0.2,
]);

/// How often what happens on an ordinary day in the whole compound.
pub(crate) mod per_day {
    /// Lift trips, counted as requests; a few are given up when every car is busy.
    pub(crate) const TRIPS: f64 = 10_500.0;
    /// Somebody passes a door with access control.
    pub(crate) const PASSAGES: f64 = 6_500.0;
    /// Cards that a door refuses.
    pub(crate) const DENIED: f64 = 150.0;
    /// Doors held open.
    pub(crate) const HELD: f64 = 110.0;
    /// Doors opened without a card or the exit button.
    pub(crate) const FORCED: f64 = 8.0;
    /// People and cars in front of the cameras of lobbies, squares and lanes.
    pub(crate) const PASSERS_BY: f64 = 6_000.0;
    /// Cars that stop in a fire lane for minutes.
    pub(crate) const LANE_BLOCKED: f64 = 5.0;
    /// E-bikes in lifts on the first day, and after the compound has got used to being told.
    pub(crate) const EBIKES: (f64, f64) = (10.0, 2.0);
    /// After so many days about two thirds of the way from the one to the other are done.
    pub(crate) const EBIKES_FALL_DAYS: f64 = 30.0;
    /// Wheelchairs and prams that a lift camera takes for an e-bike, for a moment.
    pub(crate) const LOOK_ALIKES: f64 = 3.0;
    /// What façade cameras report although nothing was thrown; drawn evenly from this range.
    pub(crate) const FACADE_HITS: (f64, f64) = (90.0, 220.0);
    /// What was thrown.
    pub(crate) const THROWN: f64 = 0.3;
    /// Lorries that shake a cover.
    pub(crate) const COVER_NUISANCE: f64 = 1.0;
    /// Covers that stay open.
    pub(crate) const COVER_OPEN: f64 = 0.15;
    /// Smoke that sets off a detector.
    pub(crate) const SMOKE: f64 = 0.6;
    /// Hazards that residents tell of.
    pub(crate) const REPORTS: f64 = 2.0;
    /// SOS buttons pressed.
    pub(crate) const SOS: f64 = 3.0;
    /// Movements in one home.
    pub(crate) const MOTION_OF_HOME: f64 = 45.0;
    /// Of the people who live alone, this part does not open the door on a given day.
    pub(crate) const STAYS_IN: f64 = 1.0 / 80.0;
    /// Evenings have up to so many stretches of music that is too loud.
    pub(crate) const LOUD_EVENINGS: usize = 3;
}

/// Hours and minutes of a day.
pub(crate) const fn clock(hours: i64, minutes: i64) -> Span {
    Span::mins(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_fall_into_their_hours() {
        let mut only_noon = [0.0; 24];
        only_noon[12] = 3.0;
        let mut random = Random::of(1, &[]);
        for moment in Rhythm(only_noon).moments(100, &mut random) {
            assert!((clock(12, 0)..clock(13, 0)).contains(&moment), "{moment:?}");
        }
    }

    #[test]
    fn lifts_are_busiest_in_the_morning_and_in_the_evening() {
        let mut random = Random::of(1, &[]);
        let moments = COMING_AND_GOING.moments(10_000, &mut random);
        let within =
            |from, until| moments.iter().filter(|at| (clock(from, 0)..clock(until, 0)).contains(at)).count();
        assert!(within(6, 9) > 2 * within(9, 12) - within(9, 12) / 2);
        assert!(within(17, 21) > 10 * within(1, 5));
    }
}
