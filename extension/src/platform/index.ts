// The browser that this build is for.

export {
  dashboardPlatform,
  framePlatform,
  popupPlatform,
  relayPlatform,
  settingsPlatform,
  workerPlatform
} from './chromium'
