/** See lock.mjs. */
export declare function takeLock(folder: string, onWait: () => void): Promise<() => void>;
