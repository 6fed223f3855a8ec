import { callApi, orMissing } from './api.ts';
import type { NatsLink } from './connection.ts';
import type { Topology } from './topology.ts';
import { readTopology } from './topology.ts';

let topology: Topology | undefined;

/**
 * Makes streams that do not exist, as their files say, and changes none that do: that is `provision`'s alone.
 * @returns whether any was missing
 * @throws NatsUnavailable or JetStreamRefusal
 */
export async function restoreMissingStreams(link: NatsLink, replicas: number | undefined): Promise<boolean> {
  topology ??= readTopology();
  let missing = false;
  for (const { name, config } of topology.streams) {
    if ((await orMissing(callApi(link, `STREAM.INFO.${name}`))) !== undefined) continue;
    await callApi(
      link,
      `STREAM.CREATE.${name}`,
      replicas === undefined ? config : { ...config, num_replicas: replicas },
    );
    missing = true;
  }
  return missing;
}
