import { newResourceMetadata, type ResourceMetadata } from '@ledgate/oauth'
import { refuseUselessKeys } from '../credential/index.ts'

/** Metadata by which a resource server may be changed that has other metadata so far. */
export const resourceUpdate = (kept?: ResourceMetadata) => newResourceMetadata(kept).superRefine(refuseUselessKeys)

/** Metadata by which a resource server may be registered. */
export const ResourceRegistration = resourceUpdate()
