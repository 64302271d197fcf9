export function thirdPartyNotices(root: string): Promise<string>;
