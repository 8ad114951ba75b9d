/** Members of a JWK that only its owner may know: RFC 7518 §6 and §6.4, and `priv` of later kinds of keys. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Whether a JWK says nothing that is secret. */
export const isPublic = (jwk: object): boolean => PRIVATE_MEMBERS.every((member) => !(member in jwk))
