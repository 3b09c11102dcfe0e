// What the extension's own pages and its worker say to each other about recordings.

import type { KeptRecording } from './store'

export type ToRecorder =
  /** Tell of the recordings from now on. */
  | { readonly type: 'LIST' }
  /** Record what pages of this origin do; `private` says that the person was told that it is a private window. */
  | { readonly type: 'RECORD_SITE'; readonly origin: string; readonly private: boolean }
  /** Record the rest of a stream, by the dashboard's number of it. */
  | { readonly type: 'RECORD_STREAM'; readonly stream: number; readonly private: boolean }
  | { readonly type: 'STOP'; readonly recording: string }
  | { readonly type: 'REMOVE'; readonly recording: string }
  /** Have all in the store that was seen; answered by FLUSHED with the same number. */
  | { readonly type: 'FLUSH'; readonly request: number }

export type FromRecorder =
  /** All of them, the newest first. */
  | { readonly type: 'RECORDINGS'; readonly recordings: readonly KeptRecording[] }
  | { readonly type: 'FLUSHED'; readonly request: number }
  /** What was asked for cannot be; for people. */
  | { readonly type: 'NO_RECORDING'; readonly message: string }
