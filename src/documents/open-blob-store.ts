import { type Config, ConfigError } from '../config.ts';
import type { BlobStore } from './blob-store.ts';
import { openFolderBlobStore } from './folder-blob-store.ts';
import { openS3BlobStore, type S3Bucket } from './s3-blob-store.ts';

/**
 * Opens the store that the configuration names: `fs:<folder>` or `s3:<endpoint>/<bucket>`.
 * @throws ConfigError when the address cannot be read
 * @throws BlobStoreError when the folder cannot be used
 */
export async function openBlobStore(config: Pick<Config, 'blobUrl' | 's3'>): Promise<BlobStore> {
  const { blobUrl } = config;
  if (blobUrl.startsWith('fs:')) return openFolderBlobStore(blobUrl.slice('fs:'.length), Date.now());
  if (blobUrl.startsWith('s3:')) return openS3BlobStore(parseS3Url(blobUrl.slice('s3:'.length), config.s3));
  throw new ConfigError('BLOB_URL must start with fs: or s3:');
}

/** Reads `<endpoint>/<bucket>`; an endpoint without a scheme is meant as https. */
export function parseS3Url(address: string, credentials: Config['s3']): S3Bucket {
  if (credentials === undefined) {
    throw new ConfigError('S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are needed for an s3: BLOB_URL');
  }
  const text = /^https?:\/\//.test(address) ? address : `https://${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [, path, bucket] = /^(.*)\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/.exec(url?.pathname ?? '') ?? [];
  if (
    url === undefined ||
    path === undefined ||
    bucket === undefined ||
    `${url.search}${url.hash}${url.username}` !== ''
  ) {
    throw new ConfigError(
      'BLOB_URL must have the form s3:<endpoint>/<bucket>, for instance s3:https://s3.example.com/documents',
    );
  }
  return { endpoint: `${url.origin}${path}`, bucket, ...credentials };
}
