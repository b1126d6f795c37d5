/** What a device is there for, in words. Unknown purposes are shown as they came. */
import { m } from '../../paraglide/messages.js';

const PURPOSES: Record<string, () => string> = {
  lift_camera: m.purpose_lift_camera,
  lift_controller: m.purpose_lift_controller,
  facade_camera: m.purpose_facade_camera,
  home_door: m.purpose_home_door,
  home_motion: m.purpose_home_motion,
  home_water: m.purpose_home_water,
  home_sos: m.purpose_home_sos,
  home_smoke: m.purpose_home_smoke,
  cover: m.purpose_cover,
  door_access: m.purpose_door_access,
  door_contact: m.purpose_door_contact,
  lane_camera: m.purpose_lane_camera,
  noise: m.purpose_noise,
  smoke: m.purpose_smoke,
  shed: m.purpose_shed,
  weather: m.purpose_weather,
  manual_point: m.purpose_manual_point,
  fire_relay: m.purpose_fire_relay,
  valve: m.purpose_valve,
  breaker: m.purpose_breaker,
  telephone: m.purpose_telephone,
  speaker: m.purpose_speaker,
  hub: m.purpose_hub,
  other: m.purpose_other,
};

export function purposeWord(purpose: string): string {
  return PURPOSES[purpose]?.() ?? purpose;
}
