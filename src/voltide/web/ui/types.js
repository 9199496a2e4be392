// @ts-check
// The station's picture as it comes on the line. The fields are those of domain/picture.py; a test compares them.

/**
 * @typedef {object} OutletPicture
 * @property {string} id
 * @property {string} charger
 * @property {string} group
 * @property {boolean} online
 * @property {string} version
 * @property {string} state
 * @property {number} max_charge_w
 * @property {number} max_discharge_w
 * @property {number} power_w
 * @property {number | null} setpoint_w
 * @property {string} why
 * @property {number | null} age_s
 * @property {string | null} session
 * @property {number | null} soc
 * @property {number | null} target_soc
 * @property {number | null} floor_soc
 * @property {number | null} need_wh
 * @property {string | null} departure
 * @property {string | null} since
 * @property {number} imported_wh
 * @property {number} exported_wh
 * @property {number} green_wh
 * @property {boolean} v2g
 * @property {number | null} limit_w
 * @property {string} called
 */

/**
 * @typedef {object} NodePicture
 * @property {string} id
 * @property {string} kind
 * @property {string | null} parent
 * @property {number} power_w
 * @property {number} import_w
 * @property {number} export_w
 */

/**
 * @typedef {object} AlarmPicture
 * @property {string} code
 * @property {string} subject
 * @property {string} since
 * @property {string} detail
 */

/**
 * @typedef {object} OrderPicture
 * @property {string} id
 * @property {string} start
 * @property {string} end
 * @property {number} power_w
 * @property {number} delivered_wh
 * @property {boolean} active
 */

/**
 * @typedef {object} EventPicture
 * @property {string} at
 * @property {string} code
 * @property {string} subject
 * @property {string} detail
 */

/**
 * @typedef {object} StationPicture
 * @property {string} station
 * @property {string} name
 * @property {string} name_zh
 * @property {string} timezone
 * @property {string} at
 * @property {number | null} grid_w
 * @property {number | null} pv_w
 * @property {number | null} battery_w
 * @property {number | null} battery_soc
 * @property {number | null} building_w
 * @property {number} cars_in_w
 * @property {number} cars_out_w
 * @property {number} import_limit_w
 * @property {number} export_limit_w
 * @property {number} pv_peak_w
 * @property {number | null} price_buy
 * @property {number | null} price_sell
 * @property {number} charged_today_wh
 * @property {number} discharged_today_wh
 * @property {number} solar_today_wh
 * @property {number} sessions_today
 * @property {OutletPicture[]} outlets
 * @property {NodePicture[]} nodes
 * @property {OrderPicture[]} orders
 * @property {AlarmPicture[]} alarms
 * @property {EventPicture[]} events
 * @property {number} tick_us
 * @property {number} newcomers
 */

/**
 * @typedef {object} Minute
 * @property {string} at
 * @property {number} grid_w
 * @property {number} pv_w
 * @property {number} battery_w
 * @property {number | null} battery_soc
 * @property {number} building_w
 * @property {number} cars_in_w
 * @property {number} cars_out_w
 * @property {number | null} price_buy
 * @property {number} connected
 */

/**
 * @typedef {object} Reply
 * @property {boolean} done
 * @property {string} code
 * @property {string} detail
 */

/**
 * @typedef {object} ReasonPicture
 * @property {string} code
 * @property {number} power_w
 * @property {string} until
 * @property {number} price
 * @property {string | null} then_at
 * @property {string} then_way
 * @property {number | null} then_price
 * @property {number | null} need_soc
 * @property {number} missing_wh
 * @property {number} short_wh
 * @property {string | null} by
 * @property {number | null} floor_soc
 * @property {string} limit
 * @property {number | null} limit_worth
 */

/**
 * @typedef {object} CarPlan
 * @property {string} session
 * @property {string} outlet
 * @property {number[]} power_w
 * @property {number[]} soc
 * @property {ReasonPicture | null} reason
 * @property {string} ruled_by
 */

/**
 * @typedef {object} EventPlan
 * @property {string} id
 * @property {string} start
 * @property {string} end
 * @property {number} asked_wh
 * @property {number} planned_wh
 * @property {ReasonPicture} reason
 */

/**
 * @typedef {object} Planned
 * @property {string} at
 * @property {number} grid_w
 * @property {number} pv_w
 * @property {number} battery_w
 * @property {number} cars_in_w
 * @property {number} cars_out_w
 * @property {number} price_buy
 */

/**
 * @typedef {object} PlanPicture
 * @property {string} station
 * @property {string} at
 * @property {string} leads
 * @property {number} epoch
 * @property {string | null} made_at
 * @property {string | null} expires_at
 * @property {string | null} ends_at
 * @property {string[]} starts
 * @property {number[]} grid_w
 * @property {number[]} pv_w
 * @property {number[]} load_w
 * @property {number[]} battery_w
 * @property {number[]} battery_soc
 * @property {number[]} cars_in_w
 * @property {number[]} cars_out_w
 * @property {number[]} price_buy
 * @property {CarPlan[]} cars
 * @property {EventPlan[]} events
 * @property {Planned[]} past
 * @property {ReasonPicture | null} connection
 * @property {ReasonPicture | null} battery
 */

/**
 * @typedef {object} OfferPicture
 * @property {string} station
 * @property {string} at
 * @property {string} since
 * @property {string} until
 * @property {number} confidence
 * @property {number} power_w
 * @property {string} ground
 * @property {number[]} levels_w
 * @property {number} at_risk
 * @property {number} best_w
 * @property {number} best_at_risk
 * @property {number} days
 */

export {};
