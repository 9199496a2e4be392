// @ts-check
// Numbers and times as people read them; times always in the station's own zone.
import { t } from "./i18n.js";
import { language } from "./settings.js";

const MINUS = "\u2212";

/** @type {Map<string, Intl.NumberFormat>} */
const numbers = new Map();

/** @param {number} value @param {number} digits */
export function number(value, digits) {
  const key = `${language.value}${digits}`;
  let format = numbers.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    numbers.set(key, format);
  }
  const text = format.format(Math.abs(value));
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** A power in kW, without its unit. @param {number | null} watts @param {boolean} [signed] */
export function kw(watts, signed = false) {
  if (watts === null || watts === undefined) return "–";
  const value = watts / 1000;
  const text = number(value, Math.abs(value) < 99.95 ? 1 : 0);
  return signed && watts >= 50 ? `+${text}` : text;
}

/** An energy in kWh, without its unit. @param {number | null} wattHours */
export function kwh(wattHours) {
  if (wattHours === null || wattHours === undefined) return "–";
  const value = wattHours / 1000;
  return number(value, Math.abs(value) < 99.95 ? 1 : 0);
}

/** An energy where room is scarce: whole kWh from 10 on. @param {number} wattHours */
export const kwhRound = (wattHours) => number(wattHours / 1000, Math.abs(wattHours) < 9950 ? 1 : 0);

/** @param {number | null} fraction */
export const percent = (fraction) => (fraction === null || fraction === undefined ? "–" : `${number(fraction * 100, 0)} %`);

/** @type {Map<string, Intl.DateTimeFormat>} */
const times = new Map();

/** @param {number} ms @param {string} zone @param {Intl.DateTimeFormatOptions} options */
export function local(ms, zone, options) {
  const key = language.value + zone + JSON.stringify(options);
  let format = times.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(language.value === "zh" ? "zh-CN" : "en-GB", { timeZone: zone, ...options });
    times.set(key, format);
  }
  return format.format(ms);
}

/** 18:30 @param {number} ms @param {string} zone */
export const clock = (ms, zone) => local(ms, zone, { hour: "2-digit", minute: "2-digit" });
/** 18:30:05 @param {number} ms @param {string} zone */
export const clockSeconds = (ms, zone) => local(ms, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
/** Fri 28 Mar @param {number} ms @param {string} zone */
export const day = (ms, zone) => local(ms, zone, { weekday: "short", day: "numeric", month: "short" });

/** "18:30", with its weekday, or its date when it is far, unless it is today. @param {number} ms @param {number} now @param {string} zone */
export function moment(ms, now, zone) {
  const time = clock(ms, zone);
  if (day(ms, zone) === day(now, zone)) return time;
  const near = Math.abs(ms - now) < 6 * 24 * 3600e3;
  return `${near ? local(ms, zone, { weekday: "short" }) : day(ms, zone)} ${time}`;
}

/** "in 1 h 35 min", "2 h ago". @param {number} ms @param {number} now */
export function relative(ms, now) {
  const minutes = Math.round(Math.abs(ms - now) / 60000);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const span = minutes < 60 ? t("time.minutes", { minutes })
    : hours >= 48 ? t("time.days", { days: Math.floor(hours / 24) })
    : hours >= 10 || rest === 0 ? t("time.hours", { hours }) : t("time.hours-minutes", { hours, minutes: rest });
  return t(ms >= now ? "time.in" : "time.ago", { span });
}

/** How far a zone is ahead of UTC at a moment, in ms. @param {number} ms @param {string} zone */
function offset(ms, zone) {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(ms);
  const at = (/** @type {string} */ name) => Number(parts.find((part) => part.type === name)?.value);
  const wall = Date.UTC(at("year"), at("month") - 1, at("day"), at("hour"), at("minute"), at("second"));
  return wall - Math.floor(ms / 1000) * 1000;
}

/** A moment as a datetime-local field wants it, in a zone. @param {number} ms @param {string} zone */
export const toField = (ms, zone) => new Date(ms + offset(ms, zone)).toISOString().slice(0, 16);

/** What a datetime-local field says, in a zone, as a moment. @param {string} field @param {string} zone */
export function fromField(field, zone) {
  const wall = Date.parse(`${field}:00Z`);
  const guess = wall - offset(wall, zone);
  return wall - offset(guess, zone);
}
