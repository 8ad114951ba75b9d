/** The longest life that an access token may be configured to have, in seconds. */
export const LONGEST_TOKEN_CAP = 86_400
