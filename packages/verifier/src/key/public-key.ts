/** The private members of a JWK: RFC 7518 §6 and §6.4, and `priv` of newer key types. The list of `@ledgate/oauth` would bring its schemas. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Whether a JWK has no private member. */
export const isPublic = (jwk: object): boolean => PRIVATE_MEMBERS.every((member) => !(member in jwk))
