/** Where a file that comes in parts is, and which of them are there. */
export type StoredUpload = {
  key: string;
  /** R2's own number of it. */
  upload_id: string;
  /** Of each part but the last, in bytes. */
  part_size: number;
  parts: { number: number; etag: string; size: number }[];
};
