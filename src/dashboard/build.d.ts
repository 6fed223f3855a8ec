/** Where the fonts, character maps and decoders of pdf.js are; set by the build. */
declare const pdfResources: string;
