import type { Role } from '../domain/actor.ts';

/** Who may put items in, take them out, look at them, and change topics. */
export const queueProducers: readonly Role[] = ['producer', 'operator'];
export const queueConsumers: readonly Role[] = ['consumer', 'operator'];
export const queueReaders: readonly Role[] = ['producer', 'consumer', 'supervisor', 'operator'];
export const queueOperators: readonly Role[] = ['supervisor', 'operator'];
