/** The product's mark. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <path d="M8 11h16v2.6H8zM8 16h10v2.6H8z" fill="#fff" opacity=".55" />
      <path d="M13.2 22.4l2 2L24 15.6l2 2-10.8 10.8-4-4z" fill="#fff" />
    </svg>
  );
}
