/** Names of container images: `registry:5000/team/api:1.4@sha256:…`. */

/** Without tag and digest. */
export function repositoryOf(image: string): string {
  const [withTag = ''] = image.split('@', 1);
  const colon = withTag.lastIndexOf(':');
  // A colon before a slash is a registry's port.
  return colon > withTag.lastIndexOf('/') ? withTag.slice(0, colon) : withTag;
}

export const DEFAULT_IMAGE_TEMPLATE = '{repository}:{sha}';

const PLACEHOLDER = /\{([^{}]*)\}/g;

/**
 * `registry/api:{sha}` and a commit → the image that was built of it. `{sha:8}` is its first eight characters,
 * `{repository}` the baseline's image without its tag.
 */
export function imageOfCommit(template: string, commit: string, baselineImage: string): string {
  return template.replace(PLACEHOLDER, (_, placeholder: string) => {
    if (placeholder === 'repository') return repositoryOf(baselineImage);
    const length = /^sha:(\d+)$/.exec(placeholder)?.[1];
    return length === undefined ? commit : commit.slice(0, Number(length));
  });
}

/** What is wrong with a template; undefined: nothing is. */
export function imageTemplateMistake(template: string): string | undefined {
  const placeholders = [...template.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '');
  if (placeholders.some((each) => !/^(repository|sha(:[1-9]\d?)?)$/.test(each)))
    return 'may have the placeholders {sha}, {sha:8} and {repository}, and no others';
  if (!placeholders.some((each) => each.startsWith('sha'))) return 'must say where the commit stands: registry/api:{sha}';
  return isImage(template.replace(PLACEHOLDER, 'x')) ? undefined : 'must be an image, for example registry/api:{sha}';
}

export function isImage(text: string): boolean {
  return text.length <= 1024 && /^[A-Za-z0-9[][^\s{}]*$/.test(text);
}
