export { isPublicAddress } from './public-address.js';
export { type Answer, OutboundHttp, type OutboundHttpOptions, type ShortAnswer } from './outbound-http.js';
export { type OutboundLimits } from './outbound-request.js';
export { MAX_URL_LENGTH, type Resolve, UrlGuard } from './url-guard.js';
