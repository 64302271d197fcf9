/** The most warnings that one completion has. */
export const mostWarnings = 20;
/** The longest text of a warning, or of why a turn waits, in UTF-16 units. */
export const longestWarning = 1000;
