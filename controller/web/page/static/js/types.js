// The shapes of /api/v1, for editors and type checkers. No code.

/**
 * @typedef {"queued"|"creating"|"starting"|"ready"|"held"|"ending"|"ended"|"failed"} Step
 *
 * @typedef {object} Progress
 * @property {Step} step
 * @property {number|null} estimateSeconds
 * @property {number} elapsedSeconds
 * @property {boolean} late
 *
 * @typedef {object} Session
 * @property {string} name
 * @property {string} phase
 * @property {string} reason
 * @property {string} message
 * @property {boolean} failing
 * @property {string|null} template
 * @property {boolean} mine
 * @property {boolean} mayControl
 * @property {boolean} mayLogIn
 * @property {string|null} owner
 * @property {string|null} address
 * @property {number|null} port
 * @property {string|null} acceptedAt
 * @property {string|null} readyAt
 * @property {string|null} expiresAt
 * @property {string|null} endedAt
 * @property {number|null} secondsLeft
 * @property {number} extendableSeconds
 * @property {string} serverTime
 * @property {Progress} progress
 *
 * @typedef {object} Defaults
 * @property {string} template
 * @property {number} durationMinutes
 * @property {number} maxDurationMinutes
 * @property {number} extendMinutes
 *
 * @typedef {object} Me
 * @property {string} mode
 * @property {"guest"|"user"|"operator"|"admin"} role
 * @property {string|null} name
 * @property {boolean} mayLaunch
 * @property {string|null} loginUrl
 * @property {string|null} logoutUrl
 * @property {Defaults} defaults
 * @property {number} warnBeforeSeconds
 * @property {{siteKey: string}|null} captcha
 *
 * @typedef {object} Template
 * @property {string} name
 * @property {number|null} cores
 * @property {string|null} memory
 * @property {string|null} disk
 * @property {number|null} ttlSeconds
 * @property {number|null} maxTtlSeconds
 * @property {string|null} description
 *
 * @typedef {object} Credential
 * @property {string} username
 * @property {string|null} password
 * @property {string|null} nextPassword
 * @property {"password"|"template"|"none"} credentials
 * @property {string} address
 * @property {number} port
 * @property {string|null} fingerprint
 *
 * @typedef {object} Event
 * @property {number} id
 * @property {string} session
 * @property {string} type
 * @property {string} reason
 * @property {string} message
 * @property {number} count
 * @property {string} lastAt
 *
 * @typedef {object} Status
 * @property {string} version
 * @property {string} controller
 * @property {boolean} ready
 * @property {{reason: string, sentence: string}[]} notices
 * @property {Record<string, number>} phases
 * @property {{used: number, free: number|null}|null} capacity
 * @property {number|null} queue
 *
 * @typedef {{template?: string, durationMinutes?: number, language: string}} Wish
 */

export {};
