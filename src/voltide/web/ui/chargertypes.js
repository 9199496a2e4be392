// @ts-check
// What the chargers' pages show. The fields are those of domain/dossier.py; a test compares them.

/**
 * @typedef {object} Plate
 * @property {number} number
 * @property {number} charge_w
 * @property {number} discharge_w
 * @property {number} connectors
 * @property {number | null} phases
 * @property {string[]} assumed
 */

/**
 * @typedef {object} ChargerRow
 * @property {string} id
 * @property {string} name
 * @property {string} standing
 * @property {boolean} online
 * @property {boolean} ready
 * @property {boolean} joined
 * @property {string} vendor
 * @property {string} model
 * @property {string} serial
 * @property {string} firmware
 * @property {string} version
 * @property {string} address
 * @property {string} since
 * @property {string} shield
 * @property {Plate[]} outlets
 * @property {boolean} v2g
 * @property {boolean} steered
 * @property {boolean} reading
 * @property {string} mark
 * @property {number} done
 * @property {number} steps
 * @property {string} doing
 */

/**
 * @typedef {object} Doorway
 * @property {number} profile
 * @property {string} url
 */

/**
 * @typedef {object} ChargersPicture
 * @property {string} at
 * @property {string | null} open_until
 * @property {boolean} always_open
 * @property {Doorway[]} doors
 * @property {ChargerRow[]} newcomers
 * @property {ChargerRow[]} chargers
 * @property {ChargerRow[]} refused
 */

/**
 * @typedef {object} WelcomeStep
 * @property {string} name
 * @property {string} progress
 * @property {string} detail
 * @property {string | null} at
 * @property {number} tries
 */

/**
 * @typedef {object} Oddity
 * @property {string} kind
 * @property {number} count
 * @property {string} example
 */

/**
 * @typedef {object} ChargerPicture
 * @property {string} at
 * @property {ChargerRow} row
 * @property {number} profile
 * @property {WelcomeStep[]} steps
 * @property {string[]} quirks
 * @property {Oddity[]} oddities
 * @property {import("./types.js").EventPicture[]} events
 */

export {};
