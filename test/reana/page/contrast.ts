import type { Page } from 'playwright-core';

/**
 * Texts that are too faint for their background (WCAG 2.2, 1.4.3: 4.5 to 1, large ones 3 to 1), and marks of states
 * (1.4.11: 3 to 1).
 */
export const faint = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    if (!canvas) throw new Error('no canvas');
    /** Any colour that CSS knows, over another. */
    const over = (colour: string, below: string): string => {
      canvas.fillStyle = below;
      canvas.fillRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
      return `rgb(${r}, ${g}, ${b})`;
    };
    const luminance = (colour: string): number => {
      const [r = 0, g = 0, b = 0] = (colour.match(/\d+/g) ?? []).map(Number).map(value => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a: string, b: string): number => {
      const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
      return (high + 0.05) / (low + 0.05);
    };
    const behind = (element: Element | null): string =>
      element ? over(getComputedStyle(element).backgroundColor, behind(element.parentElement)) : 'white';
    const wrong: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement as HTMLElement;
      if (!node.textContent?.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
      const style = getComputedStyle(element);
      const ground = behind(element);
      const size = Number.parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const colour = over(element instanceof SVGElement ? style.fill : style.color, ground);
      const has = ratio(colour, ground);
      if (has < (isLarge ? 3 : 4.5)) wrong.push(`${node.textContent.trim()}: ${has.toFixed(2)}`);
    }
    for (const mark of document.querySelectorAll('.icon, .bar i, .track .ran')) {
      const style = getComputedStyle(mark);
      const shape = Number.parseFloat(style.borderTopWidth) > 0 ? style.borderTopColor : style.backgroundColor;
      const colour = mark instanceof SVGElement ? style.stroke : shape;
      const ground = behind(mark.closest('.card'));
      const has = ratio(over(colour, ground), ground);
      if (colour !== 'rgba(0, 0, 0, 0)' && has < 3) wrong.push(`${mark.className}: ${has.toFixed(2)}`);
    }
    return wrong;
  });
