/**
 * Seconds after a mail was asked for at which it is tried again, growing apart (RFC 5321 §4.5.4.1): close together in the
 * first hour, in which a link for a new password is good, then further and further. At the last one it is given up.
 */
export const RETRY_AT: readonly number[] = [60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, 86_400]
