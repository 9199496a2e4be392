// @ts-check
// One tag for all markup. Whatever comes from outside is a text node or an attribute, never markup.
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);

/** @param {...(string | false | null | undefined)} names */
export const classes = (...names) => names.filter(Boolean).join(" ");
