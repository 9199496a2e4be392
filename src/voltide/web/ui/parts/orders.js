// @ts-check
// Calling on the cars: a grid order composed, followed and withdrawn.
import { useState } from "preact/hooks";
import { order } from "../api.js";
import { html } from "../dom.js";
import { fromField, kw, kwh, moment, percent, toField } from "../format.js";
import { t } from "../i18n.js";
import { giveback, now, signedIn, station } from "../store.js";
import { Confirm } from "./confirm.js";
import { Icon } from "./icons.js";
import { Offer } from "./offer.js";

const LENGTHS = [15, 30, 60, 120];
const STEP_W = 10000;

/** @param {{ one: import("../types.js").OrderPicture }} props */
function Order({ one }) {
  const [start, end] = [Date.parse(one.start), Date.parse(one.end)];
  const zone = station.value?.timezone ?? "UTC";
  const whole = (Math.abs(one.power_w) * (end - start)) / 3.6e6;
  const due = whole * Math.max(0, Math.min(1, (now.value - start) / (end - start)));
  const done = Math.abs(one.delivered_wh);
  const cancel = () => order(`${one.id} · ${t("orders.cancel")}`, { is: "CancelGrid", id: one.id });
  return html`<li class=${one.active ? "active" : ""}>
    <p><b>${t(one.power_w < 0 ? "orders.gives" : "orders.takes", { power: kw(Math.abs(one.power_w)) })}</b>
      <span class="badge">${t(one.active ? "orders.running" : start > now.value ? "orders.to-come" : "orders.over")}</span></p>
    <p class="small">${moment(start, now.value, zone)} – ${moment(end, now.value, zone)} · <span>${one.id}</span></p>
    <span class="progress" role="img" aria-label=${t("orders.delivered", { done: kwh(done), asked: kwh(whole) })}>
      <i style=${{ width: `${Math.min(100, whole ? (done / whole) * 100 : 0)}%` }}></i><s style=${{ left: `${whole ? (due / whole) * 100 : 0}%` }}></s></span>
    <p class="small split"><span>${t("orders.delivered", { done: kwh(done), asked: kwh(whole) })}</span>
      ${due > 0 && html`<span>${t("orders.on-time", { share: percent(done / due) })}</span>`}</p>
    ${signedIn.value && html`<${Confirm} label=${t("orders.cancel")} question=${t("confirm.cancel")} onYes=${cancel} />`}
  </li>`;
}

/** A name that two browsers will not choose at once. */
const name = () => `op-${new Date(now.value).toISOString().slice(0, 16).replace(/[-:T]/g, "")}-${crypto.getRandomValues(new Uint16Array(1))[0]?.toString(36)}`;

/** @param {{ power: number, setPower: (w: number) => void, most: number, cars: number }} props */
function Power({ power, setPower, most, cars }) {
  return html`<div class="field">
    <label for="order-power">${t("orders.power")} <b>${kw(power)} kW</b></label>
    <input id="order-power" type="range" min="0" max=${most} step=${STEP_W} value=${power}
      onInput=${(/** @type {any} */ event) => setPower(Number(event.currentTarget.value))} />
    <span class="small split"><span>${t("orders.cars-now", { power: kw(cars) })}</span><span>${t("orders.at-most", { power: kw(most) })}</span></span>
  </div>`;
}

/** @param {{ onDone: () => void }} props */
function Composer({ onDone }) {
  const zone = station.value?.timezone ?? "UTC";
  const { plate, cars } = giveback.value;
  const most = Math.max(STEP_W, Math.floor(plate / STEP_W) * STEP_W);
  const [power, setPower] = useState(Math.min(most, Math.max(STEP_W, Math.floor(cars / STEP_W) * STEP_W)));
  const [back, setBack] = useState(true);
  const [start, setStart] = useState(() => toField(now.peek() + 60000, zone));
  const [end, setEnd] = useState(() => toField(now.peek() + 31 * 60000, zone));
  const [from, until] = [fromField(start, zone), fromField(end, zone)];
  const fits = until > from && until > now.value && power > 0;
  const go = async () => {
    const body = { is: "OrderGrid", id: name(), start: new Date(from).toISOString(), end: new Date(until).toISOString(), power_w: back ? -power : power };
    const reply = await order(t(back ? "orders.gives" : "orders.takes", { power: kw(power) }), body, { is: "CancelGrid", id: body.id });
    if (reply.done) onDone();
  };
  const choose = (/** @type {(text: string) => void} */ set) => (/** @type {any} */ event) => set(event.currentTarget.value);
  return html`<form class="composer" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); if (fits) go(); }}>
    <div class="choice" role="group" aria-label=${t("orders.direction")}>
      <button type="button" aria-pressed=${back} onClick=${() => setBack(true)}><${Icon} name="discharging" />${t("orders.give")}</button>
      <button type="button" aria-pressed=${!back} onClick=${() => setBack(false)}><${Icon} name="charging" />${t("orders.take")}</button>
    </div>
    <${Power} power=${power} setPower=${setPower} most=${most} cars=${cars} />
    <div class="two">
      <div class="field"><label for="order-start">${t("orders.start")}</label><input id="order-start" type="datetime-local" required value=${start} onInput=${choose(setStart)} /></div>
      <div class="field"><label for="order-end">${t("orders.end")}</label><input id="order-end" type="datetime-local" required value=${end} onInput=${choose(setEnd)} /></div>
    </div>
    <div class="lengths">${LENGTHS.map((minutes) => html`<button type="button" key=${minutes} class="chip"
      aria-pressed=${until - from === minutes * 60000} onClick=${() => setEnd(toField(from + minutes * 60000, zone))}>${t("orders.minutes", { minutes })}</button>`)}</div>
    ${back && html`<${Offer} from=${from} until=${until} fits=${fits} />`}
    <p class="small">${t("orders.energy", { energy: fits ? kwh((power * (until - from)) / 3.6e6) : "–", zone })}</p>
    <span class="actions"><button type="submit" class="primary" disabled=${!fits}>${t("orders.send")}</button>
      <button type="button" onClick=${onDone}>${t("action.cancel")}</button></span>
  </form>`;
}

export function Orders() {
  const [composing, compose] = useState(false);
  const orders = station.value?.orders ?? [];
  return html`<section class="card orders" aria-label=${t("orders.title")}>
    <h2>${t("orders.title")}</h2>
    ${orders.length === 0 && html`<p class="calm">${t("orders.none")}</p>`}
    <ul>${orders.map((one) => html`<${Order} key=${one.id} one=${one} />`)}</ul>
    ${composing && signedIn.value ? html`<${Composer} onDone=${() => compose(false)} />`
      : html`<button type="button" class="wide" disabled=${!signedIn.value} onClick=${() => compose(true)}>${t(signedIn.value ? "orders.new" : "orders.new-signed-in")}</button>`}
  </section>`;
}
